"""django-q2's settings. A task is a ring at the door; the work, its leases and attempts are rows of ours."""

from typing import Any

from config.env import env

# A ring works through what is due for at most `timeout` seconds before its worker is killed; the broker hands
# it out again after `retry`, which must therefore be later, or the same ring would run twice side by side.
TIMEOUT_SECONDS = 300
RETRY_SECONDS = 360

# A worker that has ever held more memory than this is replaced after its task, whoever's code took it.
MOST_MEMORY_KB = 1024 * 1024


def cluster(redis_url: str) -> dict[str, Any]:
    """The value for Q_CLUSTER. `portal.plugins.checks` holds the promises named in docs/decisions/0001."""
    workers = env.int("PORTAL_WORKERS", default=2, least=1)
    broker: dict[str, Any] = {"redis": redis_url} if redis_url else {"orm": "default"}
    return {
        "name": "portal",
        "label": "Jobs",
        "workers": workers,
        "queue_limit": workers,
        "bulk": 1,
        "timeout": TIMEOUT_SECONDS,
        "retry": RETRY_SECONDS,
        "max_rss": MOST_MEMORY_KB,
        "max_attempts": 1,
        "ack_failures": True,
        "catch_up": False,
        "guard_cycle": 0.5,
        "save_limit": 250,
        # Without this key django-q2 raises KeyError when Q_CLUSTER_NAME is set in the environment.
        "ALT_CLUSTERS": {},
        **broker,
    }
