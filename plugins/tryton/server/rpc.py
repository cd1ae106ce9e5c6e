"""Tryton's JSON-RPC, as its own clients speak it: for people's work and people's questions."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.parse
from typing import Any

from plugins.tryton.wire import encoded, plain

from .server import TrytonServer


class RpcError(Exception):
    """Tryton refused a call; the message is Tryton's own."""


class RpcWarning(RpcError):
    """Tryton asks whether a person really means it; ``name`` is what to answer to."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class Rpc:
    """A session of the server's user. Not for several threads at once."""

    def __init__(self, server: TrytonServer) -> None:
        self._address = urllib.parse.urlsplit(server.url)
        self._path = f"/{server.database}/rpc/"
        self._headers = {"Content-Type": "application/json"}
        self._user, session, *_ = self._send(
            "common.db.login", [server.user, {"password": server.password}, "en"]
        )
        token = base64.b64encode(f"{server.user}:{self._user}:{session}".encode()).decode()
        self._headers["Authorization"] = f"Session {token}"
        self._context: dict[str, Any] = {}
        self._context = self.call("model.res.user.get_preferences", True)

    def call(self, method: str, *params: Any, **context: Any) -> Any:
        """``call("model.sale.sale.search", domain, 0, None, None)``; raises ``RpcError``."""
        return self._send(method, [*params, self._context | context])

    def read(self, model: str, domain: list[Any], fields: list[str], **context: Any) -> list[dict[str, Any]]:
        """Records by rising id; a dotted field comes nested under its first name and a dot."""
        order = [["id", "ASC"]]
        found: list[dict[str, Any]] = self.call(
            f"model.{model}.search_read", domain, 0, None, order, fields, **context
        )
        return found

    def press(self, model: str, button: str, ids: list[int]) -> Any:
        """Press a button for these records, answering every warning with yes."""
        while ids:
            try:
                return self.call(f"model.{model}.{button}", ids)
            except RpcWarning as warning:
                answer = {"user": self._user, "name": warning.name, "always": False}
                self.call("model.res.user.warning.create", [answer])
        return None

    def _send(self, method: str, params: list[Any]) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": encoded(params)})
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=120)
        try:
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RpcError(f"{method}: HTTP {answer.status}")
        said = json.loads(content)
        if isinstance(said, dict) and said.get("error"):
            if said["error"][0] == "UserWarning":
                name, sentence, *_ = said["error"][1]
                raise RpcWarning(f"{method}: {sentence}", name)
            raise RpcError(f"{method}: {' '.join(str(part) for part in said['error'][:2])}")
        return plain(said["result"] if isinstance(said, dict) else said)
