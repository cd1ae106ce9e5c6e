"""One address for whoever watches from outside: is the portal alive, as far as it can tell?"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.sync.clock import db_now
from portal.sync.models import Beat, Quarantine

logger = logging.getLogger(__name__)

LATE = timedelta(minutes=2)
"""Twice as long as a stalled cluster may take to be at work again."""

SIGNS = {"pump": "The pump gives no sign of life.", "canary": "No worker gives a sign of life."}


@require_safe
@never_cache
def health(_: HttpRequest) -> JsonResponse:
    """200 while database, pump and workers answer, else 503; nothing that only staff may know."""
    try:
        at = dict(Beat.objects.filter(name__in=SIGNS).values_list("name", "at"))
        restored = Quarantine.objects.filter(open=True).exists()
        now = db_now()
    except DatabaseError:
        logger.exception("The database did not answer a health check.")
        return JsonResponse({"well": False, "troubles": ["The database does not answer."]}, status=503)
    troubles = [said for name, said in SIGNS.items() if name not in at or now - at[name] > LATE]
    told = {"well": not troubles, "troubles": troubles, "quarantine": restored}
    return JsonResponse(told, status=503 if troubles else 200)
