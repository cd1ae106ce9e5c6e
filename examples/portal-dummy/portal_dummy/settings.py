"""What staff can set. The portal makes the form, keeps the token encrypted and never shows it again."""

from portal.sdk import Field, PluginSettings, SecretStr


class NoteSettings(PluginSettings):
    greeting: str = Field(default="Noted", title="Greeting", description="How every note begins.")
    keep_back: int = Field(default=0, ge=0, title="Pieces to keep back", description="From every channel.")
    token: SecretStr | None = Field(default=None, title="Token of the public page")
