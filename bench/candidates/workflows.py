"""What n8n is told to do: read the shop's pages → one item each → de-duplicate, store → one call each; and
webhook → one call. Without batches its HTTP node has all calls of an execution in flight, which is its fastest way.

What it does not do: keep a cursor (every poll reads from the first page on), note what came of an order, or send
again what it had marked as seen when it was stopped.
"""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]

NAME, TABLE = "bench", "orders"
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


def workflow(shop: str) -> dict[str, Any]:
    """One with two triggers: ``webhook/poll`` begins a poll, ``webhook/hear`` is told of one order."""
    columns = [{"name": "reference", "type": "string"}, {"name": "payload", "type": "string"}]
    table = {
        "resource": "table",
        "operation": "create",
        "tableName": TABLE,
        "columns": {"column": columns},
        "options": {"createIfNotExists": True},
    }
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
                    "limitPagesFetched": False,
                    "requestInterval": 0,
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
    poll = [
        _webhook("poll"),
        _node("Table", "dataTable", 1, table),
        _node("Read", "httpRequest", 4.2, read),
        _node("Split", "splitOut", 1, {"fieldToSplitOut": "items", "options": {}}),
        _node("Unseen", "removeDuplicates", 2, unseen),
        _node("Store", "dataTable", 1, store),
        _call("Sell", shop, "$json"),
    ]
    nodes = [*poll, _webhook("hear"), _call("Pass on", shop, "$json.body")]
    for place, node in enumerate(
        nodes
    ):  # of two ways from one node, the one higher up is gone to its end first
        node["position"] = [200 * place, 100 * place]
    ways = {
        "poll": ["Table"],
        "Table": ["Read"],
        "Read": ["Split"],
        "Split": ["Unseen"],
        "Unseen": ["Store", "Sell"],
        "hear": ["Pass on"],
    }
    return {
        "id": NAME,
        "name": NAME,
        "nodes": nodes,
        "connections": {
            start: {"main": [[{"node": end, "type": "main", "index": 0} for end in ends]]}
            for start, ends in ways.items()
        },
        "settings": {"executionOrder": "v1"},
    }


def _webhook(path: str) -> Node:
    node = _node(path, "webhook", 2, {"httpMethod": "POST", "path": path, "responseMode": "onReceived"})
    return node | {"webhookId": path}


def _call(name: str, shop: str, order: str) -> Node:
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
    return _node(name, "httpRequest", 4.2, given)


def _node(name: str, kind: str, version: float, parameters: dict[str, Any]) -> Node:
    return {
        "id": name,
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "parameters": parameters,
    }
