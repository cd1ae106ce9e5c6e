"""The operator's list of allowed plugins: what is not in it as it is installed is refused before it is imported."""

import hashlib
from importlib.metadata import distributions

import pytest
from django.core.management import CommandError, call_command

from portal.plugins import allowed
from portal.plugins.admission import State, admit
from portal.plugins.allowed import CannotBeHashed, fingerprint, locked
from portal.plugins.discovery import GROUP, PluginSource
from tests.plugin_host.makers import distribution


def recorded(site, name, **more):
    """A distribution with its RECORD, as pip leaves it."""
    distribution(site, name, **more)
    (info,) = site.glob(f"portal_{name}-*.dist-info")
    files = [*(site / f"portal_{name}").rglob("*"), *info.iterdir()]
    lines = [f"{path.relative_to(site)},sha256=x,1" for path in files if path.is_file()]
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,", "../../bin/acme,,"]) + "\n")
    return info


def source_of(site, name="acme"):
    (dist,) = [each for each in distributions(path=[str(site)]) if each.name == f"portal-{name}"]
    (point,) = dist.entry_points.select(group=GROUP)
    return PluginSource(name, point.module, dist.name, dist.version, point, tuple(dist.requires or ()))


@pytest.fixture
def listed(tmp_path):
    """The plugin `acme` installed, and a list that allows it as it is."""
    recorded(tmp_path, "acme")
    allowed.write(tmp_path / "allowed.txt", locked([source_of(tmp_path)]))
    return tmp_path


def decided(site, text=None):
    path = site / "allowed.txt"
    if text is not None:
        path.write_text(text)
    (admission,) = admit([source_of(site)], allowed=allowed.read(str(path)), verdicts={}).decided
    return admission


def test_what_is_listed_as_it_is_installed_is_let_pass(listed):
    assert decided(listed).state is State.UNTRIED, "the preflight comes next"


def test_without_a_list_every_plugin_is_let_pass():
    assert allowed.read("") is None


def test_the_hash_is_the_one_that_is_described(listed):
    package = listed / "portal_acme"
    info = listed / "portal_acme-1.0.dist-info"
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    (info / "INSTALLER").write_text("pip")
    names = [
        "portal_acme-1.0.dist-info/METADATA",
        "portal_acme-1.0.dist-info/entry_points.txt",
        "portal_acme/__init__.py",
    ]
    text = "".join(f"{name}\0{hashlib.sha256((listed / name).read_bytes()).hexdigest()}\n" for name in names)
    assert fingerprint(source_of(listed)) == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize("change", ["changed", "added", "metadata"])
def test_a_file_that_is_changed_or_added_is_refused(listed, change):
    package = listed / "portal_acme"
    if change == "changed":
        (package / "__init__.py").write_text("import os\n")
    elif change == "added":
        (package / "more.py").write_text("import os\n")
    else:
        (listed / "portal_acme-1.0.dist-info" / "entry_points.txt").write_text(
            "[portal.plugins]\nacme = portal_acme\n[console_scripts]\nx = y:z\n"
        )
    admission = decided(listed)
    assert admission.state is State.REFUSED
    assert "its files are not those that" in admission.reason


def test_another_version_and_another_plugin_are_refused(listed):
    line = (listed / "allowed.txt").read_text()
    assert (
        "names version 0.9 of it. If you trust it, allow it"
        in decided(listed, line.replace("1.0", "0.9")).reason
    )
    assert "does not name it" in decided(listed, line.replace("acme 1.0", "apex 1.0")).reason


def test_a_list_that_cannot_be_used_allows_nothing(listed):
    assert (
        "which has a line that is not NAME VERSION sha256:HASH: acme 1.0"
        in decided(listed, "acme 1.0").reason
    )
    (listed / "allowed.txt").unlink()
    admission = decided(listed)
    assert (admission.state, "which cannot be read" in admission.reason) == (State.REFUSED, True)


def test_the_portals_own_plugins_need_not_be_listed(listed):
    bundled = PluginSource("demoshop", "plugins.demoshop", "erp-portal", "0.1", source_of(listed).entry_point)
    (admission,) = admit([bundled], allowed=allowed.read(str(listed / "allowed.txt")), verdicts={}).decided
    assert admission.state is State.ADMITTED


@pytest.mark.parametrize("case", ["no record", "editable", "a file is gone"])
def test_what_cannot_be_hashed_is_refused_with_the_reason(listed, case):
    info = listed / "portal_acme-1.0.dist-info"
    if case == "no record":
        (info / "RECORD").unlink()
    elif case == "editable":
        (info / "direct_url.json").write_text('{"dir_info": {"editable": true}}')
    else:
        (listed / "portal_acme" / "__init__.py").unlink()
    with pytest.raises(CannotBeHashed, match=r"Install it"):
        fingerprint(source_of(listed))
    assert decided(listed).state is State.REFUSED


def test_one_is_allowed_and_the_others_stay_as_they_are_listed(listed, monkeypatch, settings):
    recorded(listed, "apex")
    before = (listed / "allowed.txt").read_text()
    (listed / "portal_acme" / "__init__.py").write_text("import os\n")
    both = [source_of(listed), source_of(listed, "apex")]
    monkeypatch.setattr("portal.sync.management.commands.plugins.installed", lambda: both)
    settings.PLUGINS_ALLOWED = allowed.read(str(listed / "allowed.txt"))
    call_command("plugins", "lock", "apex")
    after = (listed / "allowed.txt").read_text()
    assert after.startswith(before), "what was changed is not allowed by the way"
    assert f"apex 1.0 {fingerprint(both[1])}\n" in after
    with pytest.raises(CommandError, match="No plugin nope is installed"):
        call_command("plugins", "lock", "nope")
    settings.PLUGINS_ALLOWED = None
    with pytest.raises(CommandError, match="set PORTAL_PLUGINS_ALLOWED"):
        call_command("plugins", "lock")


@pytest.mark.processes
def test_the_list_is_written_by_a_command_and_kept_before_anything_is_imported(portal, tmp_path):
    told = tmp_path / "imported"
    source = f"open({str(told)!r}, 'w').close()\nfrom portal.sdk import hook\n"
    recorded(portal.site, "acme", files={"__init__.py": source})
    path = tmp_path / "allowed.txt"
    path.write_text("")
    refused = portal.manage("plugins", "preflight", PORTAL_PLUGINS_ALLOWED=str(path))
    assert "does not name it" in refused.stdout
    assert not told.exists()
    said = portal.ok("plugins", "lock", PORTAL_PLUGINS_ALLOWED=str(path))
    assert "The plugin acme 1.0 (portal-acme) is allowed." in said
    portal.ok("plugins", "preflight", PORTAL_PLUGINS_ALLOWED=str(path))
    assert told.exists()
