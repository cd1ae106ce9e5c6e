"""Customers in Tryton: found or made, with the addresses of an order."""

from __future__ import annotations

from portal.sdk import Address, Order

from .client import Client, Json, Refused
from .directory import Directory

ADDRESS_FIELDS = ("party_name", "street", "postal_code", "city", "country.code")
FIELDS = ("name", *(f"addresses.{name}" for name in ADDRESS_FIELDS))


def words(text: str) -> str:
    return " ".join(text.split())


def address_key(raw: Json) -> tuple[str, ...]:
    """What makes two of Tryton's addresses the same place."""
    country = raw.get("country") or {}
    street = "\n".join(words(line) for line in (raw.get("street") or "").splitlines())
    names = ("party_name", "postal_code", "city")
    return (*(words(raw.get(name) or "") for name in names), street, country.get("code") or "")


def address_values(address: Address) -> Json:
    """An address in Tryton's words, but for the country, which is still a code."""
    name = ", ".join(part for part in (words(address.company), words(address.name)) if part)
    return {
        "party_name": name,
        "street": "\n".join(line for line in (words(address.street), words(address.street2)) if line),
        "postal_code": words(address.postcode),
        # Tryton's subdivisions are optional data; the region stays readable where it is printed.
        "city": ", ".join(part for part in (words(address.city), words(address.region)) if part),
        "country": {"code": address.country},
    }


class Parties:
    """Finds and makes the parties that orders need.

    A customer known to the shop is the party whose code is ``web shop / customer's id``: unique in Tryton,
    so two orders at once cannot make two. A guest is the party with the same e-mail *and* name.
    """

    def __init__(self, client: Client, directory: Directory) -> None:
        self._client = client
        self._directory = directory

    def for_order(self, order: Order) -> tuple[int, int, int]:
        """The ids of the party, its invoice address and its shipment address."""
        billing, shipping = order.billing, order.shipping
        if billing == Address():
            billing = shipping
        if shipping == Address():
            shipping = billing
        wanted = [address_values(billing), address_values(shipping)]
        party = self._find(order) or self._make(order, wanted)
        ids = self._addresses(party, wanted)
        return party["id"], ids[0], ids[1]

    def address(self, party: int, address: Address) -> int:
        """The id of this address at the party, made where it is missing."""
        found = self._client.search("party.party", [["id", "=", party]], FIELDS)
        return self._addresses(found[0], [address_values(address)])[0]

    def _code(self, order: Order) -> str:
        customer = order.customer.external_id
        return f"{self._directory.web_shop}/{customer}" if customer else ""

    def _name(self, order: Order) -> str:
        names = (order.customer.name, order.billing.name, order.shipping.name, order.customer.email)
        return next((words(name) for name in names if words(name)), "Guest")

    def _find(self, order: Order) -> Json | None:
        if code := self._code(order):
            domain = [["code", "=", code]]
        elif email := words(order.customer.email):
            domain = [
                ["contact_mechanisms.value", "ilike", _literal(email)],
                ["name", "=", self._name(order)],
            ]
            domain.append(["code", "not like", f"{self._directory.web_shop}/%"])
        else:
            return None
        found = self._client.search("party.party", domain, FIELDS, limit=1)
        return found[0] if found else None

    def _make(self, order: Order, wanted: list[Json]) -> Json:
        different = wanted[:1] if address_key(wanted[0]) == address_key(wanted[1]) else wanted
        values: Json = {
            "name": self._name(order),
            "addresses": [["create", [self._resolved(address) for address in different]]],
        }
        code = self._code(order)
        # Left to its sequence, Tryton on SQLite gives two parties made at once the same number and refuses one.
        values["code"] = code or f"{self._directory.web_shop}-guest/{order.external_id}"
        phone = words(order.billing.phone or order.shipping.phone)
        mechanisms = [("email", words(order.customer.email)), ("phone", phone)]
        contacts = [{"type": kind, "value": value} for kind, value in mechanisms if value]
        if contacts:
            values["contact_mechanisms"] = [["create", contacts]]
        try:
            return self._client.create("party.party", values, FIELDS)
        except Refused:
            # Another order of the same customer, or an earlier attempt, was faster; its party is as good.
            if found := self._find(order):
                return found
            raise

    def _addresses(self, party: Json, wanted: list[Json]) -> list[int]:
        known = {address_key(raw): raw["id"] for raw in reversed(party["addresses"])}
        missing = {address_key(address): address for address in wanted if address_key(address) not in known}
        if missing:
            values = {"addresses": [["create", [self._resolved(address) for address in missing.values()]]]}
            before = {raw["id"] for raw in party["addresses"]}
            after = self._client.write("party.party", party["id"], values, FIELDS)["addresses"]
            new = sorted(raw["id"] for raw in after if raw["id"] not in before)
            known |= dict(zip(missing, new[-len(missing) :], strict=True))
        return [known[address_key(address)] for address in wanted]

    def _resolved(self, address: Json) -> Json:
        return address | {"country": self._directory.country(address["country"]["code"])}


def _literal(text: str) -> str:
    """A pattern for ``ilike`` that means this text and nothing else."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
