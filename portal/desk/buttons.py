"""Buttons: what a person can do to one row, each with its permission, asked by POST only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget


def always(_: Any) -> bool:
    return True


def in_state(*states: str) -> Callable[[Any], bool]:
    """For rows in one of these states."""
    return lambda row: row.state in states


@dataclass(frozen=True, slots=True)
class Button:
    """``run(screen, request, row, **answers)`` does it and returns the sentence that the person then reads.

    It may raise ``ValueError`` or ``PortalError`` with a sentence that says why not. ``form`` asks for
    answers first, and ``does`` is what is pressed then, where that is not the label again; ``shown`` says for
    which rows the button makes sense.
    """

    name: str
    label: str
    permission: str
    run: Callable[..., str]
    icon: str = ""
    form: type[forms.Form] | None = None
    shown: Callable[[Any], bool] = always
    style: str = "default"
    asks: str = ""
    does: str = ""


def button(label: str, *, permission: str, **more: Any) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Makes a button of a screen's method; the screen names it in ``buttons``."""

    def mark(method: Callable[..., str]) -> Callable[..., str]:
        method.button = Button(method.__name__, label, permission, method, **more)  # type: ignore[attr-defined]
        return method

    return mark


class Reason(forms.Form):
    """Why somebody does it: kept with what was done."""

    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the timeline with your name, for whoever asks later.",
        max_length=400,
    )


class ReasonAndId(Reason):
    """What is needed to take a person's word that the remote has it."""

    remote_id = forms.CharField(
        label="Id there",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The id that the other system gave it. Leave it empty when nothing was to be created there.",
    )
    field_order = ["remote_id", "reason"]
