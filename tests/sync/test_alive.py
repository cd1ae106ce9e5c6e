"""What whoever watches from outside is told."""

from datetime import timedelta

import pytest
from django.db import DatabaseError

from portal.sync import alive
from portal.sync.clock import db_now
from portal.sync.models import Beat

pytestmark = pytest.mark.django_db


def beat(name, age=timedelta(0)):
    Beat.objects.update_or_create(name=name, defaults={"at": db_now() - age, "note": "host:1"})


def test_a_portal_whose_pump_and_workers_answer_is_well(client):
    beat("pump")
    beat("canary")
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()) == (200, {"well": True, "troubles": [], "quarantine": False})
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(("silent", "said"), [("pump", "The pump"), ("canary", "No worker")])
def test_who_is_silent_is_told(client, silent, said):
    beat("pump")
    beat("canary")
    beat(silent, timedelta(minutes=5))
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert answer.json()["troubles"][0].startswith(said)


def test_a_portal_without_its_processes_is_not_well(client):
    assert len(client.get("/health/").json()["troubles"]) == 2


def test_a_database_that_is_away_is_told(client, monkeypatch):
    def away():
        raise DatabaseError("gone")

    beat("pump")
    beat("canary")
    monkeypatch.setattr(alive, "db_now", away)
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["troubles"]) == (503, ["The database does not answer."])


def test_it_is_asked_and_never_told(client):
    assert client.post("/health/").status_code == 405
