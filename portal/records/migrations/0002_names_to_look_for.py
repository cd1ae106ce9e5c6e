from django.db import migrations, models

from portal.records.names import searchable

BITE = 1000


def fill(apps, schema_editor):
    """From what is stored of each order, bite by bite."""
    orders = apps.get_model("records", "Order").objects.order_by("pk")
    last = 0
    while bite := list(orders.filter(pk__gt=last).only("pk", "data")[:BITE]):
        for order in bite:
            parts = [order.data.get(name) or {} for name in ("customer", "billing", "shipping")]
            texts = [part.get(name) or "" for part in parts for name in ("name", "email", "company")]
            order.people = searchable(texts)[:1000]
        orders.bulk_update(bite, ["people"])
        last = bite[-1].pk


class Migration(migrations.Migration):

    dependencies = [
        ("records", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="people",
            field=models.CharField(
                blank=True, editable=False, help_text="Names, as they are found.", max_length=1000
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
