from django.apps import AppConfig


class BackupConfig(AppConfig):
    name = "portal.backup"
    label = "portal_backup"
    verbose_name = "Backup"
