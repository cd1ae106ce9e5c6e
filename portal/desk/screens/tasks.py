"""django-q2's own screens, to look at only: who can edit a schedule can run any function of the process."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django_q import admin as django_q
from django_q.models import Failure, OrmQ, Schedule, Success

from portal.sdk.django import ModelAdmin

SCREENS: dict[type[Model], tuple[type[admin.ModelAdmin], str]] = {
    Schedule: (django_q.ScheduleAdmin, "The portal's tick is scheduled when the workers start."),
    Success: (django_q.TaskAdmin, "Tasks stand here for a while after they went well."),
    Failure: (django_q.FailAdmin, "No task has failed. That is how it should be."),
    OrmQ: (django_q.QueueAdmin, "Nobody is ringing. Tasks are only here for moments."),
}


class LookOnly:
    """Nothing can be added, changed, deleted or sent again."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


for model, (screen, empty) in SCREENS.items():
    if admin.site.is_registered(model):
        admin.site.unregister(model)
        looks = {"empty": empty, "actions": []}
        admin.site.register(model, type(screen.__name__, (LookOnly, screen, ModelAdmin), looks))
