"""A connection's form comes from its connector's settings; what is secret goes in and never comes out."""

import enum
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse
from django.utils import timezone
from pydantic import field_validator

from portal.connections.models import Connection
from portal.desk.settings_fields import sentences
from portal.desk.settings_form import connection_form
from portal.plugins.manager import plugins
from portal.sdk import Connector, Field, SecretStr, Settings
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Flow, Job
from tests import factories


class Mood(enum.StrEnum):
    CALM = "calm"
    WILD_WEST = "wild_west"


class RichSettings(Settings):
    url: str = Field(title="Address", description="Where it is.")
    key: SecretStr = Field(title="Key", min_length=4)
    pages: int = Field(default=50, ge=1, le=250, title="Page size")
    share: Decimal = Decimal("0.5")
    eager: bool = False
    mode: Literal["live", "test_mode"] = "live"
    mood: Mood = Mood.CALM
    shop: int | None = None

    @field_validator("url")
    @classmethod
    def _no_slash(cls, value):
        if value.endswith("/"):
            raise ValueError("leave out the slash at the end")
        return value


class Rich(Connector):
    key, title, Settings = "rich", "Rich", RichSettings


@pytest.fixture
def rich(monkeypatch):
    """A connector with a setting of every type."""
    monkeypatch.setitem(plugins()._connectors, "rich", Rich)


def add(client, connector, **values):
    return client.post(
        reverse("admin:connections_connection_add") + f"?connector={connector}",
        {"name": "A", "slug": "a", "enabled": "on", **values},
    )


def save(client, row, **values):
    return client.post(
        reverse("admin:connections_connection_change", args=[row.pk]),
        {"name": row.name, "slug": row.slug, "enabled": "on", **values},
    )


def errors(answer):
    return {name: list(said) for name, said in answer.context["adminform"].form.errors.items()}


GOOD = {
    "setting_url": "http://a.test",
    "setting_key": "open sesame",
    "setting_pages": "100",
    "setting_share": "0.25",
    "setting_mode": "test_mode",
    "setting_mood": "wild_west",
}


def test_one_chooses_the_connector_first(boss):
    page = boss.get(reverse("admin:connections_connection_add")).content.decode()

    assert "?connector=demoshop" in page
    assert "?connector=tryton" in page
    assert "takes orders" in page.lower()


def test_the_quality_of_each_connector_is_seen_before_one_is_chosen(rich, boss):
    page = boss.get(reverse("admin:connections_connection_add")).content.decode()

    assert page.count(">Platinum</span> Every lost answer settles itself") == 2
    assert ">Not rated</span>" in page
    assert "is in no package of its own" in page


def test_labels_helps_defaults_and_choices_come_from_the_settings(rich, boss):
    form = connection_form("rich", None)()

    assert form["setting_url"].label == "Address"
    assert form["setting_url"].help_text == "Where it is."
    assert form["setting_pages"].initial == 50
    assert not form.fields["setting_share"].required
    assert form.fields["setting_mode"].choices == [("live", "live"), ("test_mode", "test mode")]
    assert form.fields["setting_mood"].choices == [("calm", "calm"), ("wild_west", "wild west")]
    assert form.fields["setting_eager"].widget.input_type == "checkbox"
    assert form.fields["setting_key"].widget.input_type == "password"


def test_what_is_saved_is_typed_and_the_key_is_kept_apart(rich, boss):
    assert add(boss, "rich", **GOOD).status_code == 302

    row = Connection.objects.get(slug="a")
    assert row.connector == "rich"
    assert row.credentials == {"key": "open sesame"}
    made = RichSettings.model_validate({**row.settings, **row.credentials})
    assert (made.pages, made.share, made.eager, made.mode, made.mood, made.shop) == (
        100,
        Decimal("0.25"),
        False,
        "test_mode",
        Mood.WILD_WEST,
        None,
    )


def test_an_empty_password_field_keeps_what_is_stored_and_says_that_there_is_something(rich, boss):
    add(boss, "rich", **GOOD)
    row = Connection.objects.get(slug="a")
    page = boss.get(reverse("admin:connections_connection_change", args=[row.pk])).content.decode()
    assert "Stored. Leave empty to keep it." in page
    assert "open sesame" not in page

    assert save(boss, row, **{**GOOD, "setting_key": "", "setting_url": "http://b.test"}).status_code == 302
    row.refresh_from_db()
    assert (row.settings["url"], row.credentials["key"]) == ("http://b.test", "open sesame")

    save(boss, row, **{**GOOD, "setting_key": "another key"})
    row.refresh_from_db()
    assert row.credentials["key"] == "another key"


def test_a_value_that_does_not_fit_gets_a_sentence_by_its_field(rich, boss):
    answer = add(boss, "rich", **{**GOOD, "setting_url": "http://a.test/", "setting_pages": "900"})

    assert errors(answer) == {
        "setting_url": ["Leave out the slash at the end."],
        "setting_pages": ["Input should be less than or equal to 250."],
    }
    assert not Connection.objects.exists()


def test_a_refused_credential_is_not_repeated_in_its_error_nor_in_the_form(rich, boss):
    answer = add(boss, "rich", **{**GOOD, "setting_key": "qz7"})

    assert list(errors(answer)) == ["setting_key"]
    assert "qz7" not in answer.content.decode()


def test_a_missing_credential_is_asked_for(rich, boss):
    assert errors(add(boss, "rich", **{**GOOD, "setting_key": ""})) == {
        "setting_key": ["This field is required."]
    }


def test_a_missing_setting_is_named_as_people_know_it():
    with pytest.raises(ValueError) as caught:
        RichSettings.model_validate({"key": "open sesame"})

    assert sentences(RichSettings, caught.value) == [("url", "Address is needed.")]


def test_without_its_plugin_a_connection_can_still_be_switched_off(boss):
    row = factories.shop(connector="uninstalled")

    assert (
        boss.post(
            reverse("admin:connections_connection_change", args=[row.pk]),
            {"name": "Old shop", "slug": "shop"},
        ).status_code
        == 302
    )
    row.refresh_from_db()
    assert (row.name, row.enabled, row.credentials) == ("Old shop", False, {"token": "shop-token"})


def test_the_connector_of_a_connection_never_changes(boss):
    row = factories.shop()

    boss.post(
        reverse("admin:connections_connection_change", args=[row.pk]) + "?connector=tryton",
        {
            "name": "Shop",
            "slug": "shop",
            "enabled": "on",
            "connector": "tryton",
            "setting_url": "http://c.test",
        },
    )
    row.refresh_from_db()
    assert (row.connector, row.settings["url"]) == ("demoshop", "http://c.test")


def add_flow(client, kind, source, target):
    return client.post(
        reverse("admin:sync_flow_add"),
        {"kind": kind, "source": source.pk, "target": target.pk, "every": "60", "buffer": "0"},
    )


def test_a_flow_whose_ends_cannot_carry_it_is_refused_with_sentences(boss):
    shop, erp = factories.shop(), factories.erp()

    said = errors(add_flow(boss, "order", erp, shop))["__all__"]

    assert any("Tryton cannot be read for orders" in each for each in said)
    assert any("Demo shop takes no orders" in each for each in said)
    assert not Flow.objects.exists()


def test_a_flow_to_itself_is_refused(boss):
    shop = factories.shop()

    assert "choose two different ones" in " ".join(errors(add_flow(boss, "order", shop, shop))["__all__"])


def test_a_flow_begins_as_a_draft_and_nothing_is_read_for_it(boss):
    shop, erp = factories.shop(), factories.erp()

    assert add_flow(boss, "order", shop, erp).status_code == 302
    assert Flow.objects.get().state == Flow.State.DRAFT
    assert not Job.objects.filter(enabled=True, connection__isnull=False).exists()


def test_another_buffer_is_compared_with_what_is_shown_at_once(boss):
    flow = Flow.objects.create(
        kind="stock", source=factories.erp(), target=factories.shop(), state=Flow.State.LIVE
    )
    ensure_jobs()
    checks = Job.objects.filter(connection=flow.source, name="check:stock")
    checks.update(due_at=timezone.now() + timedelta(minutes=10))

    said = boss.post(reverse("admin:sync_flow_change", args=[flow.pk]), {"every": "60", "buffer": "2"})

    assert said.status_code == 302
    assert checks.get().due_at <= timezone.now()


def test_with_a_wrong_key_the_pages_of_connections_show_their_rows_and_a_sentence(boss, world, settings):
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    shop = Connection.objects.get(slug="shop")
    pages = [
        reverse("admin:connections_connection_changelist"),
        reverse("admin:connections_connection_change", args=[shop.pk]),
    ]
    for page in pages:
        answer = boss.get(page)
        assert answer.status_code == 200
        assert "cannot be decrypted with any key of PORTAL_CREDENTIAL_KEYS" in answer.content.decode()
        assert shop.name in answer.content.decode()
    for model in ("sync_flow", "sync_job", "sync_event", "connections_reference", "sync_operation"):
        assert boss.get(reverse(f"admin:{model}_changelist")).status_code == 200
