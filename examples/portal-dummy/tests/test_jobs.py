"""Which of Dummy's jobs are rung for, and what they do once they are."""

from pathlib import Path

import pytest
from django.urls import reverse
from portal.testing.traps import trapped_jobs
from portal_dummy.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(admin_client, scripted_remote):
    """A connection to Dummy, made as staff make one."""
    remote = scripted_remote(Path(__file__).with_name("answers.json"))
    form = {"name": "Our Dummy", "slug": "ours", "enabled": "on"}
    form |= {"setting_url": remote.url, "setting_token": "open sesame"}
    admin_client.post(reverse("admin:connections_connection_add") + "?connector=dummy", form)
    return remote


def test_each_connection_is_greeted_and_the_greeting_noted(connection):
    with trapped_jobs() as trap:
        trap.tick()
    trap.assert_rung("plugin:dummy:count", "plugin:dummy:greet")
    assert "plugin:dummy:greet of Our Dummy" in map(str, trap.rings)

    trap.run("plugin:dummy:greet")
    assert [str(note) for note in Note.objects.all()] == ["Our Dummy: Dummy 3.1 answers."]


def test_a_job_that_ran_waits_for_its_turn(connection):
    with trapped_jobs() as trap:
        trap.tick()
    trap.run()
    with trapped_jobs() as later:
        later.tick()
    later.assert_not_rung("plugin:dummy:greet")
