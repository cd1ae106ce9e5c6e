from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from portal.desk.roles import create_roles


class Command(BaseCommand):
    help = "Makes the roles viewer, operator, mapper, finance and administrator, or brings them up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            roles = create_roles()
        self.stdout.write(
            f"Roles: {', '.join(role.name for role in roles)}. Give them to people under Users."
        )
