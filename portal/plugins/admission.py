"""Which of the installed plugins take part, and for each that does not, why. Decided without importing any:
from its metadata, from what the operator said, and from what the last preflight found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from portal.plugins.allowed import AllowList
from portal.plugins.discovery import NAME, PORTAL, PluginSource
from portal.plugins.labels import app_label, apps_file
from portal.plugins.verdicts import Verdict


class State(StrEnum):
    ADMITTED = "admitted"
    DISABLED = "disabled"
    REFUSED = "refused"
    UNTRIED = "not examined"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Admission:
    """`reason` is a sentence for the operator; empty for an admitted plugin."""

    source: PluginSource
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Admissions:
    """All installed plugins with what was decided about each."""

    decided: tuple[Admission, ...]

    @property
    def admitted(self) -> list[PluginSource]:
        return [each.source for each in self.decided if each.state is State.ADMITTED]

    @property
    def apps(self) -> list[str]:
        """The admitted plugins that are Django apps, as INSTALLED_APPS wants them."""
        return django_apps(self.admitted)

    @property
    def candidates(self) -> list[PluginSource]:
        """What a preflight has to examine: all that metadata and the operator let pass, but the portal's own."""
        tried = (State.ADMITTED, State.UNTRIED, State.QUARANTINED)
        return [each.source for each in self.decided if each.state in tried and not each.source.bundled]

    @property
    def left_out(self) -> list[Admission]:
        """What does not take part although nobody said so."""
        return [each for each in self.decided if each.state not in (State.ADMITTED, State.DISABLED)]


def django_apps(sources: Iterable[PluginSource]) -> list[str]:
    return [source.module for source in sources if apps_file(source.module)]


def admit(
    sources: Iterable[PluginSource],
    *,
    apps: Collection[str] = (),
    disabled: Collection[str] = (),
    allowed: AllowList | None = None,
    verdicts: Mapping[str, Verdict],
) -> Admissions:
    """Decide about each source; of two that clash the first is taken.

    `apps` are the Django apps of the portal itself, whose labels no plugin may have. `allowed` is the operator's
    list, if there is one; the portal's own plugins need not be in it.
    """
    decided = []
    names: dict[str, PluginSource] = {}
    labels: dict[str, str] = {}
    for source in sources:
        if source.name in disabled:
            decided.append(
                Admission(source, State.DISABLED, f"{source} is named in PORTAL_PLUGINS_DISABLED.")
            )
            continue
        if apps_file(source.module) and not labels:
            labels = {app_label(app): "the portal" for app in apps}
        listed = "" if allowed is None or source.bundled else allowed.why_not(source)
        if why := listed or _misfit(source) or _clash(source, names, labels):
            decided.append(Admission(source, State.REFUSED, f"{source} is refused: {why}"))
            continue
        names[source.name] = source
        if apps_file(source.module):
            labels[app_label(source.module)] = f"the plugin {source.name}"
        decided.append(_by_verdict(source, verdicts.get(source.name)))
    return Admissions(tuple(decided))


def _misfit(source: PluginSource) -> str:
    """Why the distribution is not made for this portal; empty when it is, or when it does not say."""
    if not NAME.fullmatch(source.name):
        return (
            "its name has to be at most 40 lower-case letters, digits, - and _, beginning with a letter, as it is "
            "part of addresses. Ask its author for another."
        )
    for line in source.requires:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            return f"its metadata requires “{line}”, which cannot be read. Ask its author to correct it."
        here = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if canonicalize_name(wanted.name) != PORTAL or not here:
            continue
        if not wanted.specifier.contains(version(PORTAL), prereleases=True):
            return (
                f"it is made for {PORTAL} {wanted.specifier}, and this is {version(PORTAL)}. "
                f"Install a version of {source.distribution} that fits."
            )
    return ""


def _clash(source: PluginSource, names: Mapping[str, PluginSource], labels: Mapping[str, str]) -> str:
    if first := names.get(source.name):
        return f"{first.distribution} already brings a plugin of that name. Uninstall one of the two distributions."
    if apps_file(source.module) and (owner := labels.get(app_label(source.module))):
        return (
            f"its Django app is labelled “{app_label(source.module)}”, as one of {owner} is. "
            "Ask its author for another label, or uninstall one of the two."
        )
    return ""


def _by_verdict(source: PluginSource, verdict: Verdict | None) -> Admission:
    if source.bundled:
        return Admission(source, State.ADMITTED)
    if verdict is None or not verdict.is_about(source):
        return Admission(
            source,
            State.UNTRIED,
            f"{source} was not examined yet. Start the portal again, or run ./run manage plugins preflight.",
        )
    if verdict.reason:
        return Admission(source, State.QUARANTINED, f"{source} is in quarantine: {verdict.reason}")
    return Admission(source, State.ADMITTED)
