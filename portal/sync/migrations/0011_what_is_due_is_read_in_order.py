from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0010_operations_lean_on_their_own_indices"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="operation",
            name="claimable_operations",
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("state__in", ["ready", "retry_wait", "unknown", "sending"])),
                fields=["connection", "due_at", "id"],
                name="claimable_operations",
            ),
        ),
    ]
