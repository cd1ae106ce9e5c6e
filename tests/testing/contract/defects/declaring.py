"""What it says about itself, and its connection."""

import requests

from portal.sdk import (
    Field,
    Promise,
    Receipt,
    SecretStr,
    Settings,
)
from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


class BareSettings(Settings):
    url: str
    token: SecretStr = Field(title="Access token")


class PlainSettings(Settings):
    url: str = Field(title="Address")
    token: str = Field(title="Access token", default="")


@rejected("secrets-are-declared", "Declare it as token: SecretStr")
class TheTokenIsKeptAsPlainText:
    """The token is kept as plain text."""

    Settings = PlainSettings


@rejected("promises-fit-the-pushes", "promises says nothing about 'shipment'")
class APushWithoutItsPromise:
    """A push without its promise."""

    promises = {"stock": Promise.ABSOLUTE}


@rejected("promises-fit-the-pushes", "there is no push_order")
class APromiseForWhatItCannotPush:
    """A promise for what it cannot push."""

    promises = Orchard.promises | {"order": Promise.SEARCHABLE}


@rejected("capabilities-are-whole", "Did you mean pull_product?")
class ACapabilityInThePlural:
    """A capability in the plural."""

    def pull_products(self, cursor):
        return iter(())


@rejected("capabilities-are-whole", "push_order is there but find_order is not")
class APushWithoutItsLookup:
    """A push without its lookup."""

    def push_order(self, change):
        return Receipt("1")


@rejected("it-has-a-name", "Give it a short name in small letters")
class NoKey:
    """No key."""

    key = "The Orchard!"


@rejected("checking-asks-the-remote", "check() made no call")
class ATestThatAsksNobody:
    """A test that asks nobody."""

    def check(self):
        return "All is well here."


@rejected("closing-gives-everything-back", "Call self.http.close()")
class CloseForgotten:
    """Close forgotten."""

    def close(self):
        pass


@rejected("no-call-waits-for-ever", "called without a time limit")
class CallsWithoutATimeLimit:
    """Calls without a time limit."""

    def check(self):
        token = self.settings.token.get_secret_value()
        answer = requests.get(f"{self.settings.url}/me", headers={"Authorization": f"Token {token}"})
        return f"Orchard shop {answer.json()['shop']}"


@rejected("making-one-makes-no-call", "The constructor called GET /me")
class AsksTheRemoteWhileItIsMade:
    """Asks the remote while it is made."""

    def __init__(self, settings):
        Orchard.__init__(self, settings)
        self.shop = self.http.get("/me").json()["shop"]


@rejected("settings-make-a-form", "The settings url have no title")
class ASettingWithoutATitle:
    """A setting without a title."""

    Settings = BareSettings


@rejected("signatures-fit", "fetch_order cannot be called as the portal does")
class AFetchForOneAtATime:
    """A fetch with arguments of its own."""

    def fetch_order(self, external_ids, expand):
        return Orchard.fetch_order(self, external_ids)


@rejected("checking-says-a-sentence", "Return a sentence for people")
class ATestThatSaysTrue:
    """A test that says True."""

    def check(self):
        return self.http.get("/me").status == 200
