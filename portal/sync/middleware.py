"""A webhook needs no session, no user, no cookie and no form's token: its signature says who sent it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

Answers = Callable[[HttpRequest], HttpResponseBase]


def webhooks_pass(get_response: Answers) -> Answers:
    """Requests to ``/hooks/`` are answered here; what stands below in MIDDLEWARE is for people's requests."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/hooks/"):
            return get_response(request)
        view, args, words = resolve(request.path_info, "portal.sync.urls")
        response: HttpResponseBase = view(request, *args, **words)
        return response

    return answer
