"""Where remotes knock: verify, store, commit, answer."""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.connections.kept import UnknownConnection
from portal.connections.models import Connection
from portal.sdk import Forged, PortalError
from portal.sync.inbox import receive
from portal.sync.refusals import count_refusal

logger = logging.getLogger(__name__)

LARGEST = 2 * 1024 * 1024
"""Bytes of a webhook's body that are accepted."""

AGAIN = "Not stored; please send it again."


class TooLong(Exception):
    """The body has more than ``LARGEST`` bytes, or says so."""


@csrf_exempt
@require_POST
def hook(request: HttpRequest, slug: str) -> JsonResponse:
    """A webhook of the connection ``slug``. 2xx only after it is committed.

    400 for a body that breaks off, 401 for a forged one, 404 for an unknown connection, 413 for one too long, 503
    when the database is away.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        new = receive(slug, headers, _body(request))
    except UnknownConnection:
        return _answer(404, "No such connection, or it is switched off.")
    except (TooLong, RequestDataTooBig):
        return _answer(413, f"The body is longer than {LARGEST} bytes.")
    except UnreadablePostError:
        return _answer(400, "The body broke off; please send it again.")
    except Forged as error:
        logger.warning("Refused a webhook for %s: %s", slug, error)
        return _refuse(slug, error)
    except DatabaseError:
        logger.exception("A webhook for %s could not be stored.", slug)
        return _answer(503, AGAIN)
    except PortalError as error:
        logger.error("A webhook for %s could not be taken: %s", slug, error)
        return _answer(503, AGAIN)
    return _answer(200, "new" if new else "known")


def _body(request: HttpRequest) -> bytes:
    length = request.headers.get("Content-Length")
    if length is None and request.META.get("wsgi.input_terminated"):  # sent in chunks
        body: bytes = request.META["wsgi.input"].read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLong
        return body
    length = length or "0"
    if not length.isdecimal() or len(length) > len(str(LARGEST)) or int(length) > LARGEST:
        raise TooLong
    return request.body


def _refuse(slug: str, error: Forged) -> JsonResponse:
    try:
        count_refusal(Connection.objects.get(slug=slug), str(error))
    except (DatabaseError, Connection.DoesNotExist):
        logger.exception("A refused webhook for %s could not be counted.", slug)
    return _answer(401, str(error))


def _answer(status: int, said: str) -> JsonResponse:
    return JsonResponse({"detail": said}, status=status)
