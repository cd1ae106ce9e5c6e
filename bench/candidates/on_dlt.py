"""dlt reads the shop's orders into PostgreSQL, each once, on from where it stopped. It delivers nothing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dlt

from bench.candidates import shop


@dlt.resource(name="orders", primary_key="id", write_disposition="merge", max_table_nesting=0)
def orders() -> Iterator[list[dict[str, Any]]]:
    """A page at a time; what is nested stays JSON, which is its fastest way."""
    state = dlt.current.resource_state()
    for items, after in shop.pages(state.get("after", 0)):
        yield items
        state["after"] = after


def main() -> None:
    if sys.argv[1] == "prepare":
        return
    database = urlsplit(os.environ["BENCH_DATABASE"])
    with tempfile.TemporaryDirectory() as place:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=place,
            dataset_name="read",
            destination=dlt.destinations.postgres(
                {
                    "database": database.path.strip("/"),
                    "username": "postgres",
                    "password": "none",
                    "host": "localhost",  # a socket's path has no place there
                    "query": {"host": parse_qs(database.query)["host"][0]},
                }
            ),
        )
        print("ready", flush=True)
        for _ in sys.stdin:
            pipeline.run(orders())
            with pipeline.sql_client() as sql:
                stored = sql.execute_sql("SELECT count(*) FROM orders")
            print(stored[0][0] if stored else 0, flush=True)


if __name__ == "__main__":
    main()
