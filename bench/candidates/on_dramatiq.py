import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.candidates import tasks

dramatiq.set_broker(RedisBroker(url=f"unix://{os.environ['BENCH_REDIS']}"))


@dramatiq.actor(actor_name="deliver")
def deliver(reference: str) -> None:
    tasks.work(reference)


if __name__ == "__main__":
    tasks.main(deliver.send)
