"""Transforms: pure functions of plugins, called through one door."""

import pytest
from django.core.management import CommandError, call_command

from portal.plugins.failures import PluginFailed
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.plugins.transforms import transform, transforms
from portal.sdk import SkipRecord, Transform


def number(value, base=10):
    return int(value, base)


@pytest.fixture
def acme(db, monkeypatch):
    """The plugin `acme` brings the transform `number`, and some that are bad."""
    brought = [
        Transform("number", "Text to number", number),
        Transform("breaks", "Breaks", lambda value: {}[value]),
        Transform("odd", "Odd", lambda value: {1, 2}),
    ]
    monkeypatch.setitem(plugins()._things, Transform, [("acme", each) for each in brought])


def test_register_transforms_makes_them_known_by_their_whole_name(acme):
    assert list(transforms()) == ["acme.number", "acme.breaks", "acme.odd"]
    assert (transform("acme.number", "12"), transform("acme.number", "ff", base=16)) == (12, 255)


def test_a_value_that_cannot_be_transformed_holds_that_record_and_charges_nobody(acme):
    with pytest.raises(SkipRecord, match="The transform acme.number refused 'twelve'"):
        transform("acme.number", "twelve")
    assert not Plugin.objects.exists()


@pytest.mark.parametrize(("name", "said"), [("breaks", "KeyError: 'x'"), ("odd", "which is no JSON value")])
def test_a_transform_that_fails_is_charged(acme, name, said):
    with pytest.raises(PluginFailed, match=said):
        transform(f"acme.{name}", "x")
    assert said in Plugin.objects.get(name="acme").last_error


def test_of_a_plugin_that_is_off_there_is_none(acme):
    switch("acme", on=False)
    with pytest.raises(SkipRecord, match="There is no transform acme.number. Switch its plugin on"):
        transform("acme.number", "12")


def test_one_can_be_tried_by_command(acme, capsys):
    call_command("plugins", "transform", "acme.number", '"12"')
    assert capsys.readouterr().out == "12\n"
    with pytest.raises(CommandError, match="is not JSON"):
        call_command("plugins", "transform", "acme.number", "twelve")
    with pytest.raises(CommandError, match="refused 'twelve'"):
        call_command("plugins", "transform", "acme.number", '"twelve"')
