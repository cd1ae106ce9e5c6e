"""Crash points that nobody has to write: before and after any call of any function of the modules named.

``functions(module)`` finds them, ``count`` says how often each is called, and ``die_at`` ends the process with
SIGKILL at one of these calls. A function's code is exchanged in place, so that it does not matter under which
name, in which table or by which decorator somebody got hold of it.

>>> import textwrap
>>> points = functions(textwrap)
>>> with count(points) as calls:
...     textwrap.dedent("  a") + textwrap.shorten("b", 5)
'ab'
>>> calls["textwrap.dedent"], calls["textwrap.shorten"], calls["textwrap.fill"]
(1, 1, 0)
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count as endless
from types import CodeType, FunctionType, ModuleType
from typing import Any, Literal

from portal.testing.processes import die

Moment = Literal["before", "after"]
Act = Callable[[FunctionType, tuple[Any, ...], dict[str, Any]], Any]

_acts: dict[str, Act] = {}
_originals: dict[str, FunctionType] = {}


def functions(*modules: ModuleType) -> dict[str, FunctionType]:
    """Every function and method that is written in these modules, by ``module.name`` or ``module.Class.name``."""
    found: dict[str, FunctionType] = {}
    for module in modules:
        for holder in (module, *_classes(module)):
            for each in vars(holder).values():
                function = _written(each)
                if function is not None and function.__code__.co_filename == module.__file__:
                    found[f"{module.__name__}.{function.__qualname__}"] = function
    return found


@contextmanager
def count(points: Mapping[str, FunctionType]) -> Iterator[Counter[str]]:
    """How often each is called meanwhile, in any thread."""
    calls: Counter[str] = Counter()

    def counted(name: str) -> Act:
        def act(original: FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            calls[name] += 1
            return original(*args, **kwargs)

        return act

    whole = {name: function.__code__ for name, function in points.items()}
    for name, function in points.items():
        _exchange(name, function, counted(name))
    try:
        yield calls
    finally:
        for name, function in points.items():
            function.__code__ = whole[name]


def die_at(name: str, function: FunctionType, moment: Moment, number: int) -> None:
    """From now on this process dies before, or after, the call of that number, counted from 1."""
    calls = endless(1)

    def act(original: FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        now = next(calls) == number
        if now and moment == "before":
            die()
        answer = original(*args, **kwargs)
        if now:
            die()
        return answer

    _exchange(name, function, act)


def call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the exchanged code does."""
    return _acts[name](_originals[name], args, kwargs)


def _exchange(name: str, function: FunctionType, act: Act) -> None:
    original = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    original.__kwdefaults__ = function.__kwdefaults__
    _originals[name], _acts[name] = original, act
    function.__code__ = _stand_in(name).replace(co_freevars=function.__code__.co_freevars)


def _stand_in(name: str) -> CodeType:
    source = (
        "def stand_in(*args, **kwargs):\n"
        f"    from {__name__} import call\n"
        f"    return call({name!r}, args, kwargs)\n"
    )
    made: dict[str, Any] = {}
    exec(source, made)  # noqa: S102 - a function's code has to be code, and this is the kit's own
    code: CodeType = made["stand_in"].__code__
    return code


def _classes(module: ModuleType) -> list[type]:
    return [
        each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__
    ]


def _written(value: Any) -> FunctionType | None:
    """The function as somebody wrote it, under its decorators."""
    value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    value = inspect.unwrap(value) if callable(value) else value
    return value if isinstance(value, FunctionType) else None
