"""Pages of Dummy's own: one for staff, one for everybody who has the token."""

from hmac import compare_digest

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from portal.sdk import Table, Text
from portal.sdk.django import page

from portal_dummy.models import Note
from portal_dummy.settings import NoteSettings


def notes(request: HttpRequest) -> HttpResponse:
    """For staff: the portal draws it."""
    rows = [(each.at, each.kind, each.text) for each in Note.objects.all()[:50]]
    blocks = [Text("The newest fifty notes."), Table(["When", "What", "Note"], rows, empty="No notes yet.")]
    return page(request, "Notes", blocks)


def status(request: HttpRequest) -> HttpResponse:
    """For a monitor outside: how many notes there are."""
    token = NoteSettings.read().token
    given = request.GET.get("token", "")
    if token is None or not compare_digest(token.get_secret_value().encode(), given.encode()):
        return HttpResponseForbidden("Give the token of the public page.")
    return JsonResponse({"notes": Note.objects.count()})
