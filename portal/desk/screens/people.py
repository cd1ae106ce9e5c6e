"""Users and roles. Nobody can raise himself, or somebody else, above what he is."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.sdk.django import ModelAdmin

admin.site.unregister([User, Group])


def in_words(permission: Permission) -> str:
    """As Django says it; a plugin's own by the plugin's name."""
    plugin, parted, _ = permission.codename.partition(":")
    return f"Plugin {plugin} | {permission.name}" if parted else str(permission)


class PermissionsInWords:
    """Before an admin class with permissions to choose from."""

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        if db_field.related_model is Permission:
            field.label_from_instance = in_words
        return field


@admin.register(User)
class UserAdmin(PermissionsInWords, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login"]
    empty = "Add the people who work here and give each a role."

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        mine = () if request.user.is_superuser else ("is_superuser", "user_permissions")
        return (*super().get_readonly_fields(request, obj), *mine)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and _not_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and _not_above(request, obj)


def _not_above(request: HttpRequest, user: User | None) -> bool:
    return request.user.is_superuser or user is None or not user.is_superuser


@admin.register(Group)
class RoleAdmin(PermissionsInWords, DjangoGroupAdmin, ModelAdmin):
    empty = "`manage.py create_roles` makes the usual ones: viewer, operator, mapper, finance, administrator."
