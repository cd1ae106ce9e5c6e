"""Wrong variables are told in sentences, misspelled ones are noticed, and a taken address stops the start."""

import socket
from contextlib import closing

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from config.variables import Variables
from portal.runner.address import obstacle


@pytest.fixture
def env(monkeypatch):
    """An environment with the variables given, and no others of ours."""

    def given(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Variables()

    return given


@pytest.mark.parametrize("said", ["many", "2.5", "0", "-1", "1e3"])
def test_a_number_that_is_none_is_told_with_what_it_has_to_be(env, said):
    with pytest.raises(
        ImproperlyConfigured, match=f"PORTAL_WORKERS is '{said}'.*whole number from 1 on, such as 2"
    ):
        env(PORTAL_WORKERS=said).int("PORTAL_WORKERS", default=2, least=1)


@pytest.mark.parametrize("said", ["maybe", "ja", "2"])
def test_what_is_neither_yes_nor_no_is_told(env, said):
    with pytest.raises(ImproperlyConfigured, match=f"PORTAL_DEBUG is '{said}'.*true or false"):
        env(PORTAL_DEBUG=said).bool("PORTAL_DEBUG", default=False)


def test_right_values_and_empty_ones_are_taken(env):
    read = env(A="7", B="", C="Yes", D="off", E="")
    assert (read.int("A", default=1), read.int("B", default=1), read.int("F", default=3)) == (7, 1, 3)
    assert [read.bool(name, default=True) for name in "CDEF"] == [True, False, True, True]


@pytest.mark.parametrize(
    "said", ["banana", "mysql://u:hunter2@h/d", "postgres://u:hunter2@host:port/d", "http://hunter2"]
)
def test_an_address_of_no_database_is_told_without_its_password(env, said):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not an address of SQLite") as told:
        env(DATABASE_URL=said).db_url("DATABASE_URL", default="sqlite:///x")
    assert "hunter2" not in str(told.value)


def test_a_misspelled_variable_is_told_with_the_one_that_may_be_meant(env):
    read = env(PORTAL_WORKER="4", PORTAL_ZZZ="1")
    read.int("PORTAL_WORKERS", default=2)
    said = "\n".join(read.unknown())
    assert "PORTAL_WORKER is set, and the portal has no such variable: is PORTAL_WORKERS meant?" in said
    assert "PORTAL_ZZZ is set, and the portal has no such variable." in said
    assert "PORTAL_WORKERS is set" not in said


def test_the_start_warns_of_it(settings):
    settings.UNKNOWN_VARIABLES = ["PORTAL_WORKER is set, and the portal has no such variable."]
    [warning] = [message for message in run_checks() if message.id == "portal.W003"]
    assert warning.msg.startswith("PORTAL_WORKER")


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.1:http", ""])
def test_an_address_without_a_port_is_told(bind):
    assert "address:port" in obstacle(bind)


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0", "unix:/run/portal.sock", ":0"])
def test_an_address_that_is_free_is_no_obstacle(bind):
    assert obstacle(bind) == ""


def test_a_foreign_address_is_told():
    assert "this machine has no such address" in obstacle("192.0.2.1:8000")


@pytest.mark.django_db
def test_a_taken_port_stops_the_start_with_a_sentence(settings, monkeypatch):
    monkeypatch.setattr("portal.runner.management.commands.serve.examine_new_plugins", lambda: None)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        settings.BIND = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(CommandError, match=r"cannot listen at .*another program listens there"):
            call_command("serve", "web")
