"""What a connector says about itself, before it makes a call."""

from __future__ import annotations

import re
from difflib import get_close_matches
from inspect import signature
from types import UnionType
from typing import get_args

from portal.sdk.connector import Promise, Settings
from portal.testing.bench import Bench
from portal.testing.protocols import known_methods, protocols
from portal.testing.registry import Broken, check, checks, pulled, pushed, whole

SECRET = re.compile(
    r"(^|_)(token|secret|password|passphrase|passwd|apikey|api_key|key|pin|credentials?)(_|$)"
)
OURS = re.compile(r"(pull|fetch|push|find)_\w+")
PUBLIC = re.compile(r"public|key_?id|_id$|_url$|_name$")


@check(
    "`key` and `title` name the connector: lasting references hang on the key, people read the title.",
    over=whole,
)
def it_has_a_name(bench: Bench, _: str) -> None:
    connector = bench.connector
    key, title = getattr(connector, "key", None), getattr(connector, "title", None)
    if not isinstance(key, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", key):
        raise Broken(
            f'{connector.__name__}.key is {key!r}. Give it a short name in small letters, such as key = "acme".'
        )
    if not isinstance(title, str) or not title.strip():
        raise Broken(
            f'{connector.__name__}.title is {title!r}. Give the name that people read, such as "Acme".'
        )


@check("Every setting has a title, because the portal makes the connection's form from them.", over=whole)
def settings_make_a_form(bench: Bench, _: str) -> None:
    settings = bench.connector.Settings
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise Broken(f"{bench.connector.__name__}.Settings has to be a subclass of portal.sdk.Settings.")
    bare = [name for name, field in settings.model_fields.items() if not field.title]
    if bare:
        raise Broken(
            f'The settings {", ".join(bare)} have no title. Write {bare[0]}: str = Field(title="…"): '
            "it is the label in the connection's form."
        )


@check("What is secret is a `SecretStr`, so that it is kept encrypted and never shown again.", over=whole)
def secrets_are_declared(bench: Bench, _: str) -> None:
    for name, field in bench.connector.Settings.model_fields.items():
        kinds = get_args(field.annotation) if isinstance(field.annotation, UnionType) else [field.annotation]
        if SECRET.search(name) and not PUBLIC.search(name) and any(kind in (str, bytes) for kind in kinds):
            raise Broken(
                f"The setting {name} is plain text, but its name says that it is a secret. "
                f"Declare it as {name}: SecretStr, and read it with get_secret_value()."
            )


@check(
    "Every capability is whole and spelled as the portal knows it; a misspelled method is never called.",
    over=whole,
)
def capabilities_are_whole(bench: Bench, _: str) -> None:
    known = known_methods()
    for name in dir(bench.connector):
        if OURS.fullmatch(name) and name not in known:
            close = get_close_matches(name, sorted(known), 1)
            meant = f" Did you mean {close[0]}?" if close else ""
            raise Broken(f"{name} is no capability, so the portal never calls it.{meant}")
    for capability in protocols().values():
        if half := capability.half(bench.connector):
            there, missing = half
            raise Broken(
                f"{there} is there but {missing} is not, so the portal takes the connector as unable to do "
                f"either. Add {missing} (see portal.sdk.capabilities.{capability.name})."
            )


@check("Capabilities take what the portal hands them.", over=whole)
def signatures_fit(bench: Bench, _: str) -> None:
    wanted = {name: how for capability in protocols().values() for name, how in capability.own.items()}
    for name in [name for name in wanted if callable(getattr(bench.connector, name, None))]:
        given = [None] * len(signature(wanted[name]).parameters)
        try:
            signature(getattr(bench.connector, name)).bind(*given)
        except TypeError as error:
            raise Broken(
                f"{name} cannot be called as the portal does ({error}). Write it as def {name}{signature(wanted[name])}."
            ) from error


@check(
    "`promises` names every kind pushed and no other: from it follows what a lost answer leads to.",
    over=whole,
)
def promises_fit_the_pushes(bench: Bench, _: str) -> None:
    promises, kinds = bench.connector.promises, pushed(bench.connector)
    for kind in kinds:
        if kind not in promises:
            raise Broken(
                f"promises says nothing about {kind!r}, although there is push_{kind}. Add what the remote can "
                f"promise, such as promises = {{{kind!r}: Promise.IDEMPOTENCY_KEY}}."
            )
        if not isinstance(promises[kind], Promise):
            raise Broken(f"promises[{kind!r}] is {promises[kind]!r}. Use a member of portal.sdk.Promise.")
    if unknown := sorted(set(promises) - set(kinds)):
        raise Broken(
            f"promises names {unknown[0]!r}, but there is no push_{unknown[0]}. Remove the promise or add the method."
        )


@check(
    "The test gives examples for all that the connector can do; what has none is not certified.", over=whole
)
def the_test_has_examples(bench: Bench, _: str) -> None:
    contract = bench.contract
    for kind in pulled(bench.connector):
        if not bench.expected(kind):
            raise Broken(
                f"expect says nothing about {kind!r}. Put real answers for pull_{kind} into the script, and say "
                f'which ids they hold: expect = {{{kind!r}: ["…"]}}.'
            )
    for kind in pushed(bench.connector):
        bench.push(kind)
    if hasattr(bench.connector, "hear") and len(contract.events) < 2:
        raise Broken(
            "events holds fewer than two examples of what the remote tells. Give two different ones."
        )


@check(
    "A waiver names a check and gives a reason, so that a misspelled one waives nothing unseen.", over=whole
)
def waivers_have_reasons(bench: Bench, _: str) -> None:
    names = {case.name for case in bench.contract.cases()} | set(checks())
    for name, reason in bench.contract.waive.items():
        if name.partition(" ")[0] not in names:
            raise Broken(f"waive names {name!r}, which is no check of this connector.")
        if len(reason.split()) < 3:
            raise Broken(f"waive gives no reason for {name}. Write a sentence: it is shown with the test.")
