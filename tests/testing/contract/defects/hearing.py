"""Webhooks and secrets."""

import json
import logging
import os

from portal.sdk import (
    Forged,
    Hint,
    Http,
    verify_hmac,
)
from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


@rejected("an-empty-signature-is-refused", "with the signature ''")
class AnUnsignedWebhookIsLetIn:
    """An unsigned webhook is let in."""

    def hear(self, webhook, secrets):
        if webhook.headers.get("x-orchard-signature"):
            return Orchard.hear(self, webhook, secrets)
        told = json.loads(webhook.body)
        return [Hint(told["what"], told["what"].partition(".")[0], told["id"], told["event"])]


@rejected("a-forged-signature-is-refused", "signed with a secret that is not ours")
class NoSignatureIsLookedAt:
    """No signature is looked at."""

    def hear(self, webhook, secrets):
        told = json.loads(webhook.body)
        return [Hint(told["what"], told["what"].partition(".")[0], told["id"], told["event"])]


@rejected("an-altered-body-is-refused", "whose body was altered")
class TheParsedBodyIsVerified:
    """The parsed body is verified."""

    def hear(self, webhook, secrets):
        try:
            told = json.loads(webhook.body)
        except ValueError as error:
            raise Forged("no JSON") from error
        again = json.dumps(told).encode()
        verify_hmac(again, webhook.headers.get("x-orchard-signature", ""), secrets)
        return [Hint(told["what"], told["what"].partition(".")[0], told["id"], told["event"])]


@rejected("several-secrets-are-active", "the older of two secrets")
class OnlyTheNewestSecret:
    """Only the newest secret."""

    def hear(self, webhook, secrets):
        return Orchard.hear(self, webhook, list(secrets)[:1])


@rejected("an-old-webhook-is-refused", "stamped three hours ago")
class TheTimeStampIsNotLookedAt:
    """The time stamp is not looked at."""

    def hear(self, webhook, secrets):
        verify_hmac(webhook.body, webhook.headers.get("x-orchard-signature", ""), secrets)
        told = json.loads(webhook.body)
        return [Hint(told["what"], told["what"].partition(".")[0], told["id"], told["event"])]


@rejected("a-doubled-webhook-counts-once", "has to come from the event itself")
class EachDeliveryIsAnotherEvent:
    """Each delivery is another event."""

    def hear(self, webhook, secrets):
        return [
            Hint(h.topic, h.kind, h.external_id, os.urandom(8).hex())
            for h in Orchard.hear(self, webhook, secrets)
        ]


@rejected("unordered-webhooks-are-heard-alike", "the second is dropped")
class AllEventsOfAShopAreOne:
    """All events of a shop are one."""

    def hear(self, webhook, secrets):
        return [Hint(h.topic, h.kind, h.external_id, "orchard") for h in Orchard.hear(self, webhook, secrets)]


@rejected("a-genuine-webhook-is-heard", "which nothing can fetch")
class AHintThatNothingCanFollow:
    """A hint that nothing can follow."""

    def hear(self, webhook, secrets):
        return [
            Hint(h.topic, "shipment", h.external_id, h.dedupe_key)
            for h in Orchard.hear(self, webhook, secrets)
        ]


@rejected("reprs-hide-secrets", "stands in repr(connector)")
class TheTokenInTheRepr:
    """The token in the repr."""

    def __repr__(self):
        return f"<Orchard {self.http.base_url} {self.settings.token.get_secret_value()}>"


@rejected("addresses-hide-secrets", "the address of GET /me")
class TheTokenInTheAddress:
    """The token in the address."""

    def check(self):
        params = {"token": self.settings.token.get_secret_value()}
        return f"Orchard shop {self.http.get('/me', params=params).json()['shop']}"


@rejected("logs-hide-secrets", "stands in a log line")
class TheTokenInTheLog:
    """The token in the log."""

    def check(self):
        logging.getLogger("orchard").debug("checking with %s", self.settings.token.get_secret_value())
        return Orchard.check(self)


@rejected("errors-hide-secrets", "Give it to Http(secrets=[…])")
class TheClientDoesNotKnowWhatIsSecret:
    """The client does not know what is secret."""

    def __init__(self, settings):
        Orchard.__init__(self, settings)
        token = settings.token.get_secret_value()
        self.http = Http(settings.url, headers={"Authorization": f"Token {token}"})


@rejected("sentences-hide-secrets", "the sentence of check()")
class TheTokenInTheHealthText:
    """The token in the health text."""

    def check(self):
        return f"{Orchard.check(self)} with {self.settings.token.get_secret_value()}"


@rejected("a-senseless-body-is-refused", "JSONDecodeError")
class ABodyIsParsedBeforeItIsVerified:
    """A body is parsed before it is verified."""

    def hear(self, webhook, secrets):
        json.loads(webhook.body)
        return Orchard.hear(self, webhook, secrets)


@rejected("subscribing-again-is-harmless", "Return a sentence for people")
class SubscribingSaysNothing:
    """Subscribing says nothing."""

    def subscribe(self, url, secret):
        Orchard.subscribe(self, url, secret)


@rejected("topics-are-asked-for-by-name", "Send each of them")
class TopicsAreForgotten:
    """The topics are forgotten."""

    def subscribe_topics(self, url, secret, topics):
        return self.subscribe(url, secret)


@rejected("a-strange-address-is-not-subscribed", "said True of an address")
class AnySubscriptionCounts:
    """Any subscription counts, also another portal's."""

    def subscribed(self, url):
        return bool(self.http.get("/hooks").list("list"))
