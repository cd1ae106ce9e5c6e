from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.connections.crypto import Unreadable
from portal.connections.models import Connection, PluginSettings


class Command(BaseCommand):
    help = (
        "Encrypts every stored credential anew with the first key of PORTAL_CREDENTIAL_KEYS. "
        "Put a new key first, restart, run this, then the old key may be removed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            connections = list(Connection.objects.select_for_update())
            closed = [str(each) for each in connections if isinstance(each.credentials, Unreadable)]
            if closed:
                raise CommandError(
                    f"{', '.join(closed)}: {Unreadable.SAID} {Unreadable.MEND} Nothing was changed."
                )
            for connection in connections:
                connection.save(update_fields=["credentials", "webhook_secrets"])
            plugins = list(PluginSettings.objects.select_for_update())
            for settings in plugins:
                settings.save(update_fields=["secrets"])
        self.stdout.write(
            f"The credentials of {len(connections)} connections and {len(plugins)} plugins now use the first key."
        )
