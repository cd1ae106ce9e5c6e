"""Where remotes knock: verify, store, commit, answer."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.connections.models import Connection
from portal.sdk import Forged, PortalError
from portal.sync.inbox import receive

logger = logging.getLogger(__name__)

LARGEST = 2 * 1024 * 1024
"""Bytes of a webhook's body that are accepted."""


@csrf_exempt
@require_POST
def hook(request: HttpRequest, slug: str) -> JsonResponse:
    """A webhook of the connection ``slug``. 2xx only after it is committed.

    401 for a forged one, 404 for an unknown connection, 413 for one too long, 503 when the database is away.
    """
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > LARGEST:
        return _answer(413, f"The body is longer than {LARGEST} bytes.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        connection = Connection.objects.filter(slug=slug, enabled=True).first()
        if connection is None:
            return _answer(404, "No such connection, or it is switched off.")
        new = receive(connection, headers, request.body)
    except Forged as error:
        logger.warning("Refused a webhook for %s: %s", slug, error)
        return _answer(401, str(error))
    except DatabaseError:
        logger.exception("A webhook for %s could not be stored.", slug)
        return _answer(503, "Not stored; please send it again.")
    except PortalError as error:
        logger.error("A webhook for %s could not be taken: %s", slug, error)
        return _answer(503, "Not stored; please send it again.")
    return _answer(200, "new" if new else "known")


def _answer(status: int, said: str) -> JsonResponse:
    return JsonResponse({"detail": said}, status=status)
