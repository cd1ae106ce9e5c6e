"""What makes it a Django app, so that Django finds its models, migrations, templates and admin screens."""

from django.apps import AppConfig


class DummyConfig(AppConfig):
    name = "portal_dummy"
    label = "portal_dummy"
    verbose_name = "Dummy"
    default_auto_field = "django.db.models.BigAutoField"
