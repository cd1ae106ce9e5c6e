"""The portal starts, or says in a sentence why it does not: settings are read in a process of their own."""

import base64
import os
import subprocess
import sys
from functools import partial

import pytest
from django.conf import settings

SECRET = {"PORTAL_SECRET_KEY": "a-secret-of-this-test-that-is-long-enough-to-pass-every-check-of-django"}
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
KEYS = {"PORTAL_CREDENTIAL_KEYS": KEY}


@pytest.fixture
def python(tmp_path):
    """Run Python in an environment that has only what is given."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            env={
                "PATH": os.environ["PATH"],
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "PORTAL_ENV_FILE": str(tmp_path / "none"),
                "PORTAL_DATA_DIR": str(tmp_path),
                **variables,
            },
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def manage(python):
    return partial(python, "manage.py")


@pytest.fixture
def setting(python):
    """What an expression about settings says, with the variables given."""

    def ask(expression: str, **variables: str) -> str:
        answer = python(
            "-c", f"from django.conf import settings; told = {expression}; print(repr(told))", **variables
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    return ask


@pytest.mark.parametrize(
    ("given", "missing"), [(KEYS, "PORTAL_SECRET_KEY"), (SECRET, "PORTAL_CREDENTIAL_KEYS")]
)
def test_a_secret_missing_in_production_is_a_refusal_with_a_recipe(manage, given, missing):
    answer = manage("check", **given)
    assert answer.returncode != 0
    assert answer.stderr.startswith(f"{missing} is not set")
    assert "python3 -c" in answer.stderr


def test_a_key_that_is_none_is_refused_by_its_place_and_not_shown(manage):
    answer = manage("check", **SECRET, PORTAL_CREDENTIAL_KEYS=f"{KEY},hunter2")
    assert answer.returncode != 0
    assert "Key 2 of 2 in PORTAL_CREDENTIAL_KEYS is not a Fernet key" in answer.stderr
    assert "hunter2" not in answer.stderr


def test_with_its_secrets_production_passes_django_s_checks_for_deployment(manage):
    answer = manage(
        "check",
        "--deploy",
        "--fail-level=WARNING",
        **SECRET,
        **KEYS,
        PORTAL_BASE_URL="https://portal.example.com",
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("place", ["PORTAL_DEBUG", "PORTAL_DEMO"])
def test_a_demo_makes_its_secrets_once_and_keeps_them(setting, tmp_path, place):
    first = setting("settings.SECRET_KEY, settings.CREDENTIAL_KEYS", **{place: "1"})
    assert first == setting("settings.SECRET_KEY, settings.CREDENTIAL_KEYS", **{place: "1"})
    kept = sorted((tmp_path / "secrets").iterdir())
    assert [path.name for path in kept] == ["portal_credential_keys.txt", "portal_secret_key.txt"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_keys_are_read_in_their_order(setting):
    other = base64.urlsafe_b64encode(b"o" * 32).decode()
    assert setting("settings.CREDENTIAL_KEYS", **SECRET, PORTAL_CREDENTIAL_KEYS=f"{other}, {KEY}") == repr(
        [other, KEY]
    )


def test_an_https_address_marks_cookies_and_allows_its_host(setting):
    names = [
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
    ]
    asked = ", ".join(f"settings.{name}" for name in names)
    secure = setting(asked, **SECRET, **KEYS, PORTAL_BASE_URL="https://portal.example.com/")
    assert secure == repr((["portal.example.com"], ["https://portal.example.com"], True, True, True))
    plain = setting(asked, **SECRET, **KEYS)
    assert plain == repr((["127.0.0.1"], ["http://127.0.0.1:8000"], False, False, False))


def test_postgresql_keeps_its_connections_and_checks_them(setting):
    url = "postgres://portal:secret@db.example.com:5433/portal"
    names = ("ENGINE", "HOST", "PORT", "NAME", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS")
    asked = ", ".join(f"settings.DATABASES['default']['{name}']" for name in names)
    answer = setting(asked, **SECRET, **KEYS, DATABASE_URL=url)
    assert answer == repr(("django.db.backends.postgresql", "db.example.com", 5433, "portal", 60, True))


def test_the_environment_wins_over_the_file(setting, tmp_path):
    file = tmp_path / "portal.env"
    file.write_text(f"PORTAL_SECRET_KEY=from-the-file\nPORTAL_CREDENTIAL_KEYS={KEY}\nPORTAL_WORKERS=7\n")
    asked = "settings.SECRET_KEY, settings.Q_CLUSTER['workers']"
    assert setting(asked, PORTAL_ENV_FILE=str(file), PORTAL_WORKERS="3") == repr(("from-the-file", 3))


@pytest.mark.parametrize("variables", [{}, {"REDIS_URL": "redis://127.0.0.1:1/0"}])
def test_the_queue_is_the_database_unless_a_redis_is_named(setting, variables):
    broker = setting(
        "settings.Q_CLUSTER.get('orm'), settings.Q_CLUSTER.get('redis')", **SECRET, **KEYS, **variables
    )
    assert broker == repr((None, variables["REDIS_URL"]) if variables else ("default", None))


def test_serve_refuses_a_database_that_lacks_migrations(manage):
    answer = manage("serve", **SECRET, **KEYS)
    assert answer.returncode != 0
    assert "./run manage migrate" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_serve_names_a_database_that_does_not_answer(manage):
    answer = manage("serve", **SECRET, **KEYS, DATABASE_URL="postgres://portal@127.0.0.1:1/portal")
    assert answer.returncode != 0
    assert "DATABASE_URL does not answer" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_serve_knows_its_processes(manage):
    answer = manage("serve", "web", "wbe", **SECRET, **KEYS)
    assert "There is no process wbe. There are web, cluster, pump." in answer.stderr
