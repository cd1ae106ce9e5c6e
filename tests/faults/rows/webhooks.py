"""Webhooks come in while the web's processes are killed, a secret is exchanged, and others try to get in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from django.test.utils import override_settings

from portal.connections.models import Connection
from portal.connections.webhook_secrets import add_webhook_secret, mark_of, retire_webhook_secret
from portal.runner import Child, Runner
from portal.runner.processes import portal_processes
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Event
from portal.testing.processes import children, kill
from tests.faults.house import PLACE, busy, connect, flow, tie, turn
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.toys import order

CLIENTS = 8
DOUBLED = 0.1
KILLS = 0.008
"""Kills for each webhook that was answered."""

TRIES = 2000
"""Times that a webhook is sent until it is given up: nobody accepted it for minutes."""


@row(
    "Webhooks answered 2xx while the web is killed -9, one in ten sent twice and the secret exchanged midway; "
    "forged ones among them",
    goal="10,000: 0 lost; forged 5,000: 0 accepted",
    order=20,
)
def webhooks(stack: Stack, scale: Scale) -> Figure:
    genuine, forged = scale(10_000), scale(5_000)
    with Witness() as witness:
        shop, erp = connect(witness, "faultshop", "shop"), connect(witness, "faulterp", "erp", promise="C")
        tie(shop, erp)
        flow("order", shop, erp)
        ensure_jobs()
        shop_orders = [order(each, location=PLACE) for each in range(genuine + forged)]
        for begin in range(0, len(shop_orders), 1000):
            witness.tell("shop", shop_orders[begin : begin + 1000])
        sender = Sender(shop, genuine, forged)
        with override_settings(BIND=f"127.0.0.1:{sender.port}"):
            web = portal_processes(["web"])[0]
        with Runner(
            [Child("web", web.command, env=stack.env, cwd=web.cwd)], say=_into(stack), pause=0.2
        ) as runner:
            kills = _storm(runner, sender)
        _work_off(shop, erp)
        seen = witness.seen("erp")
    lost = seen.missing("order", sender.answered)
    got_in = [each for each in sender.forged if seen.made("order")[each]]
    stored = Event.objects.count()
    unanswered = genuine - len(sender.answered)
    refused = sum(shop.refusals.values_list("count", flat=True))
    return Figure(
        f"{len(sender.answered):,} answered 2xx under {kills} kills: {len(lost)} lost; "
        f"{forged:,} forged: {max(sender.accepted, len(got_in))} accepted",
        good=not (lost or got_in or sender.accepted or unanswered or sender.refused or seen.doubled("order"))
        and stored == genuine
        and kills >= genuine / 100
        and refused >= forged,
        notes=(
            *(f"lost: {each}" for each in lost[:5]),
            *(f"got in: {each}" for each in got_in[:5]),
            f"answers: {dict(sender.statuses)}; {refused} refusals counted, {stored} bodies stored",
            f"{unanswered} were never answered 2xx, {sender.refused} refused although their secret was in force",
        ),
    )


class Sender:
    """The vendor's side: signs, sends until it is answered 2xx, and keeps the list of what was."""

    def __init__(self, shop: Connection, genuine: int, forged: int) -> None:
        self.shop, self.genuine, self.total = shop, genuine, genuine + forged
        self.port = _free_port()
        self.secret = self.old = shop.webhook_secrets[0]
        self.stolen = "guess"
        self.answered: set[str] = set()
        self.forged = [f"o{each}" for each in range(genuine, self.total)]
        self.accepted = self.refused = 0
        self.statuses: Counter[str] = Counter()

    def send(self, number: int) -> None:
        """Order ``number`` is told; from ``genuine`` on it is somebody else who tells it."""
        body = json.dumps({"event": f"e{number}", "topic": "order.changed", "id": f"o{number}"}).encode()
        if number >= self.genuine:
            self._try(body, _forgery(number, body, self.secret, self.stolen), once=True)
            return
        for _ in range(2 if random.Random(number).random() < DOUBLED else 1):
            if self._try(body, _sign(body, self.secret)):
                self.answered.add(f"o{number}")

    def _try(self, body: bytes, signature: str | None, *, once: bool = False) -> bool:
        for _ in range(TRIES):
            status = self._post(body, signature)
            self.statuses[str(status)] += 1
            if once and status:
                self.accepted += 200 <= status < 300
                return False
            if 200 <= status < 300:
                return True
            if not once and status == 401:
                anew = _sign(body, self.secret)  # the vendor signs each try with the secret it has now
                if signature == anew:
                    self.refused += 1
                    return False
                signature = anew
            time.sleep(0.02)
        return False

    def _post(self, body: bytes, signature: str | None) -> int:
        """The status of the answer; 0 for none."""
        headers = {"Content-Type": "application/json"} | ({} if signature is None else {"x-sign": signature})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/hooks/shop/", body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def _storm(runner: Runner, sender: Sender) -> int:
    """Everything is sent, in no order, while processes of the web are killed; how many were."""
    numbers = list(range(sender.total))
    dice = random.Random(3)
    dice.shuffle(numbers)
    kills, exchange = 0, [_add, _sign_with_the_new, _retire]
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = [pool.submit(sender.send, each) for each in numbers]
        quarter = len(numbers) // 4
        while (done := sum(each.done() for each in sent)) < len(sent):
            time.sleep(dice.uniform(0.05, 0.15))
            head = runner.pid("web")
            if head is None or not (workers := children(head)) or kills > done * KILLS:
                continue
            kills += 1
            if exchange and done >= quarter:  # three times it is the whole web
                exchange.pop(0)(sender)
                quarter += len(numbers) // 4
                kill(head)
            else:
                kill(dice.choice(workers))
        for each in sent:
            each.result()
    return kills


def _add(sender: Sender) -> None:
    add_webhook_secret(sender.shop)


def _sign_with_the_new(sender: Sender) -> None:
    sender.secret = sender.shop.webhook_secrets[0]


def _retire(sender: Sender) -> None:
    retire_webhook_secret(sender.shop, mark_of(sender.old))
    sender.stolen = sender.old


def _work_off(shop: Connection, erp: Connection) -> None:
    """Only what the webhooks told is read: no poll may help out."""
    turn(shop, "inbox")
    while busy():
        turn(erp, "deliver")


def _sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def _forgery(number: int, body: bytes, secret: str, stolen: str) -> str | None:
    genuine = _sign(body, secret)
    return [
        _sign(body, stolen),
        _sign(body, ""),
        _sign(body + b" ", secret),
        _sign(body.replace(b"changed", b"created"), secret),
        genuine[:-4],
        genuine.swapcase(),
        hmac.digest(secret.encode(), body, hashlib.sha256).hex(),
        base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha1)).decode(),
        "",
        None,
    ][number % 10]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _into(stack: Stack):
    log = os.open(stack.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    return lambda name, line: os.write(log, f"{name} {line}\n".encode())
