"""The toy shop, grown up: it can be asked how many orders there are in a span of time, and read for that span."""

from portal.plugins.manager import plugins
from tests.toys import ToyErp, ToyShop, page


class CountingShop(ToyShop):
    def _span(self, kind, since, until):
        dated = {"order": "placed_at", "refund": "refunded_at"}[kind]
        newest = {each.external_id: each for each in self.remote.feed[kind]}
        return [each for each in newest.values() if since <= getattr(each, dated) < until]

    def count_order(self, since, until):
        return self.remote.call("count_order", (since, until), lambda: len(self._span("order", since, until)))

    def read_order(self, since, until, cursor):
        self.remote.cursors.append(("read order", cursor))
        told, at = self._span("order", since, until), int(cursor or 0)
        while at < len(told):
            items = self.remote.call(
                "read_order", cursor, lambda at=at: told[at : at + self.remote.page_size]
            )
            at += len(items)
            yield page(*items, cursor=str(at))


def counting(monkeypatch):
    """From now on the toy shop is one that counts."""
    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": CountingShop, "toyerp": ToyErp})
