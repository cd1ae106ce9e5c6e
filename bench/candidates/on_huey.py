import os

from huey import RedisHuey
from redis import ConnectionPool, UnixDomainSocketConnection

from bench.candidates import tasks

_pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=os.environ["BENCH_REDIS"])
huey = RedisHuey("bench", connection_pool=_pool, results=False)


@huey.task(name="deliver")
def deliver(reference: str) -> None:
    tasks.work(reference)


if __name__ == "__main__":
    from bench.candidates import on_huey  # noqa: PLW0406 - under the name that the workers know

    tasks.main(on_huey.deliver)
