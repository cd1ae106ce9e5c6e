"""What a plugin's view answers, and the page that stands in for it where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from portal.plugins.calls import guarded
from portal.sdk import PortalError

DJANGOS = (Http404, PermissionDenied, BadRequest, SuspiciousOperation)
"""What a view raises to have Django answer."""


def answered(plugin: str, doing: str, request: HttpRequest, view: Callable[[], Any]) -> HttpResponseBase:
    """What ``view()`` answers, drawn to its end. What it does wrong is laid to its plugin and told on a page."""
    try:
        answer = guarded(plugin, doing, _asked, view=view)
    except PortalError as error:
        said = str(error) if _is_staff(request) else "Something went wrong. It was noted."
        return sorry(request, "This page cannot be shown", said, 500)
    if isinstance(answer, DJANGOS):
        raise answer
    found: HttpResponseBase = answer
    return found


def _asked(view: Callable[[], Any]) -> Any:
    try:
        answer = view()
        if callable(getattr(answer, "render", None)):
            answer = answer.render()
    except DJANGOS as meant:
        return meant
    if not isinstance(answer, HttpResponseBase):
        raise TypeError(f"its view returned {answer!r} instead of a response")
    return answer


def sorry(request: HttpRequest, title: str, said: str, status: int) -> HttpResponse:
    """A page with one sentence, in the portal's frame for those who know it."""
    staff = _is_staff(request)
    frame = admin.site.each_context(request) if staff else {}
    context = {**frame, "title": title, "said": said, "inside": staff}
    return render(request, "desk/plugin_sorry.html", context, status=status)


def _is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
