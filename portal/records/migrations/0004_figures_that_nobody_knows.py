from django.db import migrations, models
from django.db.models import F


def tell_them_apart(apps, _):
    """Until now they were those whose doubt is younger than their figure."""
    levels = apps.get_model("records", "StockLevel").objects
    levels.filter(doubted_since__gt=F("observed_at")).update(unknown_since=F("doubted_since"))


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0003_levels_are_found_by_their_place"),
    ]

    operations = [
        migrations.AddField(
            model_name="stocklevel",
            name="unknown_since",
            field=models.DateTimeField(
                help_text="Nobody knows what the channel shows: a reading that begins later tells, before its orders do.",
                null=True,
            ),
        ),
        migrations.RunPython(tell_them_apart, migrations.RunPython.noop),
    ]
