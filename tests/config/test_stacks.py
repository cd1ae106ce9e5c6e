"""The suite runs on what it says it runs on."""

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django_q.brokers import get_broker


@pytest.fixture
def stack(request):
    return request.config.option.stack


@pytest.mark.django_db
def test_the_database_is_that_of_the_stack(stack):
    with connection.cursor() as cursor:
        if stack == "postgres":
            cursor.execute("SHOW server_version_num")
            assert int(cursor.fetchone()[0]) // 10000 == 18
        else:
            assert connection.vendor == "sqlite"


@pytest.mark.django_db
def test_the_queue_is_that_of_the_stack(stack):
    broker = get_broker()
    assert type(broker).__name__ == ("Redis" if stack == "postgres" else "ORM")
    assert broker.ping()


def test_the_cache_keeps_what_it_is_given(stack):
    cache.set("colour", "blue", 10)
    assert cache.get("colour") == "blue"
    assert ("RedisCache" in settings.CACHES["default"]["BACKEND"]) == (stack == "postgres")


def test_a_redis_of_its_own_can_be_had_on_any_stack(redis_url):
    client = redis.from_url(redis_url)
    client.set("colour", "blue")
    assert client.get("colour") == b"blue"


@pytest.mark.django_db
def test_sqlite_waits_writes_ahead_and_survives_a_power_cut(stack):
    if stack != "sqlite":
        pytest.skip("this is about SQLite")
    with connection.cursor() as cursor:
        pragmas = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 20000}
    assert connection.transaction_mode == "IMMEDIATE"


def test_a_page_in_a_real_browser_has_its_styles(page, live_server):
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(live_server.url)
    page.wait_for_selector("input[name=username]")
    styles = [answer for answer in answers if answer.url.endswith(".css")]
    assert styles
    assert [answer.url for answer in answers if answer.status >= 400] == []
