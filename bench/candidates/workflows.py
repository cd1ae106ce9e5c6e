"""What n8n is told to do: read the shop's pages → one item each → de-duplicate, store → one call each; and
webhook → one call. Without batches its HTTP node has all calls of an execution in flight, which is its fastest way.

What it does not do: keep a cursor (every poll reads from the first page on), note what came of an order, or send
again what it had marked as seen when it was stopped.
"""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]

TABLE = "orders"
_SALE = """={{ JSON.stringify({
  reference: ORDER.id, number: ORDER.number, date: ORDER.placed_at, currency: ORDER.currency,
  party: {code: ORDER.customer.id, name: ORDER.customer.name},
  address: {
    street: ORDER.shipping.street + "\\n" + ORDER.shipping.street2,
    city: ORDER.shipping.postcode + " " + ORDER.shipping.city,
    country: ORDER.shipping.country
  },
  lines: ORDER.lines.map(l => ({product: l.sku, quantity: l.quantity, price: l.unit_price, tax: l.tax.amount})),
  total: ORDER.total
}) }}"""


def preparing() -> dict[str, Any]:
    """Makes the table that orders are stored in."""
    columns = [{"name": "reference", "type": "string"}, {"name": "payload", "type": "string"}]
    make = {
        "resource": "table",
        "operation": "create",
        "tableName": TABLE,
        "columns": {"column": columns},
        "options": {},
    }
    nodes = [_node("Start", "manualTrigger", 1, {}), _node("Make", "dataTable", 1, make)]
    return _workflow("prepare", nodes, {"Start": ["Make"]})


def polling(shop: str) -> dict[str, Any]:
    read = {
        "url": f"{shop}/orders",
        "sendQuery": True,
        "queryParameters": {"parameters": [{"name": "after", "value": "0"}]},
        "options": {
            "pagination": {
                "pagination": {
                    "paginationMode": "updateAParameterInEachRequest",
                    "parameters": {
                        "parameters": [
                            {"type": "qs", "name": "after", "value": "={{ $response?.body?.next ?? 0 }}"}
                        ]
                    },
                    "paginationCompleteWhen": "other",
                    "completeExpression": "={{ !$response.body.more }}",
                }
            }
        },
    }
    unseen = {
        "operation": "removeItemsSeenInPreviousExecutions",
        "logic": "removeItemsWithAlreadySeenKeyValues",
        "dedupeValue": "={{ $json.id }}",
        "options": {"historySize": 1_000_000},
    }
    store = {
        "resource": "row",
        "operation": "insert",
        "dataTableId": {"__rl": True, "mode": "name", "value": TABLE},
        "columns": {
            "mappingMode": "defineBelow",
            "value": {"reference": "={{ $json.id }}", "payload": "={{ JSON.stringify($json) }}"},
            "matchingColumns": [],
            "schema": [],
        },
        "options": {"optimizeBulk": True},
    }
    nodes = [
        _webhook("poll"),
        _node("Read", "httpRequest", 4.2, read),
        _node("Split", "splitOut", 1, {"fieldToSplitOut": "items", "options": {}}),
        _node("Unseen", "removeDuplicates", 2, unseen),
        _node("Store", "dataTable", 1, store),
        _sell(shop, "$json"),
    ]
    # Stored first: of two branches, the one higher up is done before the other.
    ways = {"Told": ["Read"], "Read": ["Split"], "Split": ["Unseen"], "Unseen": ["Store", "Sell"]}
    return _workflow("poll", nodes, ways)


def hearing(shop: str) -> dict[str, Any]:
    return _workflow("hear", [_webhook("hear"), _sell(shop, "$json.body")], {"Told": ["Sell"]})


def _webhook(path: str) -> Node:
    node = _node("Told", "webhook", 2, {"httpMethod": "POST", "path": path, "responseMode": "onReceived"})
    return node | {"webhookId": path}


def _sell(shop: str, order: str) -> Node:
    given = {
        "method": "POST",
        "url": f"{shop}/sales",
        "sendHeaders": True,
        "headerParameters": {"parameters": [{"name": "Idempotency-Key", "value": f"={{{{ {order}.id }}}}"}]},
        "sendBody": True,
        "specifyBody": "json",
        "jsonBody": _SALE.replace("ORDER", order),
        "options": {},
    }
    return _node("Sell", "httpRequest", 4.2, given)


def _node(name: str, kind: str, version: float, parameters: dict[str, Any]) -> Node:
    return {
        "id": name,
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters,
    }


def _workflow(name: str, nodes: list[Node], ways: dict[str, list[str]]) -> dict[str, Any]:
    for place, node in enumerate(nodes):
        node["position"] = [200 * place, 100 * place]
    connections = {
        start: {"main": [[{"node": end, "type": "main", "index": 0} for end in ends]]}
        for start, ends in ways.items()
    }
    settings = {"executionOrder": "v1"}
    return {"id": name, "name": name, "nodes": nodes, "connections": connections, "settings": settings}
