"""Scripts by hand. BENCH_KIND is "requests" (one call after the other), "client" (the fastest client, several in
flight, nothing stored: the ceiling) or "durable" (the same with a row for each order: the durable ceiling)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import aiohttp
import uvloop

from bench.candidates import shop
from bench.candidates.rows import Rows
from bench.orders import sale

KIND, IN_FLIGHT = os.environ["BENCH_KIND"], int(os.environ["BENCH_IN_FLIGHT"])


def one_after_the_other(after: int) -> int:
    for orders, last in shop.pages(after):
        for order in orders:
            shop.deliver(order)
        after = last
    return after


async def several(after: int, rows: Rows | None) -> int:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def deliver(waiting: list[dict[str, Any]]) -> None:
            while waiting:
                order = waiting.pop()
                headers = {"Idempotency-Key": order["id"]}
                async with session.post(f"{shop.URL}/sales", json=sale(order), headers=headers) as answer:
                    await answer.read()

        more = True
        while more:
            async with session.get(f"{shop.URL}/orders", params={"after": str(after)}) as answer:
                told = json.loads(await answer.read())
            after, more, orders = told["next"], told["more"], told["items"]
            if rows and orders:
                new = rows.add(orders)
                orders = [order for order in orders if order["id"] in new]
            ids = [order["id"] for order in orders]
            await asyncio.gather(*[deliver(orders) for _ in range(IN_FLIGHT)])
            if rows and ids:
                rows.done(ids)
    return after


def main() -> None:
    if sys.argv[1] == "prepare":
        if KIND == "durable":
            Rows().make()
        return
    rows = Rows() if KIND == "durable" else None
    shop.serve(one_after_the_other if KIND == "requests" else lambda after: uvloop.run(several(after, rows)))


if __name__ == "__main__":
    main()
