"""What the scale sees by looking at a connector class. Each function says what is lacking, or nothing."""

from __future__ import annotations

from inspect import Parameter, signature

from portal.sdk.connector import Connector, Promise
from portal.testing.protocols import known_methods
from portal.testing.registry import pulled

SETTLED = (Promise.IDEMPOTENCY_KEY, Promise.UNIQUE_REFERENCE, Promise.ABSOLUTE)


def settings_are_explained(connector: type[Connector]) -> str:
    fields = connector.Settings.model_fields
    bare = [
        name for name, field in fields.items() if not field.description and not _is_secret(field.annotation)
    ]
    return (
        f"The settings {', '.join(bare)} have no description: Field(title=…, description=…)." if bare else ""
    )


def doubts_can_be_settled(connector: type[Connector]) -> str:
    doubtful = [kind for kind, promise in connector.promises.items() if promise is Promise.NOTHING]
    return f"Nothing is promised for {', '.join(doubtful)} (class E)." if doubtful else ""


def nothing_is_searched_for(connector: type[Connector]) -> str:
    weak = [kind for kind, promise in connector.promises.items() if promise not in SETTLED]
    return f"{', '.join(weak)} can at best be searched for (class C or E)." if weak else ""


def orders_are_told_at_once(connector: type[Connector]) -> str:
    if "order" not in pulled(connector):
        return ""
    missing = [name for name in ("hear", "subscribe", "fetch_order") if not hasattr(connector, name)]
    return f"Orders are read, but there is no {', '.join(missing)}." if missing else ""


def it_is_typed(connector: type[Connector]) -> str:
    names = [name for name in dir(connector) if name in known_methods() or name == "check"]
    bare = [name for name in names if not _typed(getattr(connector, name))]
    return f"These methods are not annotated: {', '.join(bare)}." if bare else ""


def _typed(method: object) -> bool:
    if not callable(method):
        return False
    known = signature(method)
    given = [each for name, each in known.parameters.items() if name != "self"]
    return known.return_annotation is not Parameter.empty and all(
        each.annotation is not Parameter.empty for each in given
    )


def _is_secret(annotation: object) -> bool:
    """A token's title says it all, and where to find one is the vendor's page."""
    return "SecretStr" in str(annotation)
