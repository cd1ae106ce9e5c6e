"""Connections to remote systems, and the references that tie our records to theirs."""

from __future__ import annotations

import secrets as random

from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse

from portal.connections import one_of  # noqa: F401 - the lookup `pk__one_of`
from portal.connections.crypto import EncryptedJSONField


def new_webhook_secrets() -> list[str]:
    return [random.token_urlsafe(32)]


class Connection(models.Model):
    """One account of a connector. Written by :mod:`portal.connections.services`."""

    class Health(models.TextChoices):
        UNKNOWN = "unknown", "not tested"
        GOOD = "good", "working"
        WAITING = "waiting", "waiting for the remote"
        BROKEN = "broken", "needs mending"

    slug = models.SlugField(unique=True, help_text="Short name; part of the webhook address.")
    name = models.CharField(max_length=100)
    connector = models.CharField(max_length=60)
    enabled = models.BooleanField(
        default=True, help_text="Off: nothing is read from it or sent to it, and nothing is lost."
    )
    calls_per_second = models.FloatField(
        "calls a second",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01)],
        help_text="At most so many, by all workers and hosts together. Empty: as many as the connector knows to be "
        "allowed. A figure above that changes nothing.",
    )
    settings = models.JSONField(default=dict, blank=True)
    credentials = EncryptedJSONField(default=dict, blank=True, editable=False)
    webhook_secrets = EncryptedJSONField(default=new_webhook_secrets, blank=True, editable=False)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNKNOWN, editable=False)
    health_text = models.TextField(blank=True, editable=False)
    health_since = models.DateTimeField(null=True, editable=False)
    resting_until = models.DateTimeField(
        null=True, editable=False, help_text="No call is made before this moment."
    )
    failures = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        permissions = [("test_connection", "Can test a connection")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:connections_connection_change", args=[self.pk])


class Budget(models.Model):
    """When a connection's next call may be made, by whoever makes it. Written by :mod:`portal.connections.budget`.

    Moments are seconds since 1970 by the database's clock: every host reckons with the same.
    """

    connection = models.OneToOneField(Connection, primary_key=True, on_delete=models.CASCADE)
    free_at = models.FloatField(default=0, help_text="The rate's next turn.")
    closed_until = models.FloatField(default=0, help_text="What the remote itself asked us to wait for.")
    said = models.TextField(blank=True, help_text="In its words.")

    def __str__(self) -> str:
        return f"Calls to {self.connection}"


class Reference(models.Model):
    """The tie between one of our records and its id in one connection."""

    class State(models.TextChoices):
        SUGGESTED = "suggested", "suggested"
        CONFIRMED = "confirmed", "confirmed"
        REJECTED = "rejected", "rejected"

    class Kind(models.TextChoices):
        LOCATION = "location", "location"
        PRODUCT = "product", "product"
        ORDER = "order", "order"
        SHIPMENT = "shipment", "shipment"
        REFUND = "refund", "refund"

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="references", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    external_id = models.CharField(max_length=200, help_text="The id at the connection.")
    label = models.CharField(max_length=200, blank=True, help_text="What people call it there.")
    record_id = models.BigIntegerField(null=True, blank=True, help_text="Our record; empty while untied.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CONFIRMED)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["connection", "kind", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "external_id"], name="one_reference_an_id"),
            models.UniqueConstraint(
                fields=["connection", "kind", "record_id"],
                condition=models.Q(state="confirmed"),
                name="one_confirmed_id_a_record",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "kind"], name="untied_references", condition=models.Q(record_id=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label or self.external_id} at {self.connection}"


class PluginSettings(models.Model):
    """The values that staff gave for one plugin's own settings. Written by
    :mod:`portal.connections.plugin_settings`."""

    plugin = models.CharField(max_length=100, unique=True)
    values = models.JSONField(default=dict, editable=False)
    secrets = EncryptedJSONField(default=dict, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["plugin"]
        verbose_name_plural = "plugin settings"

    def __str__(self) -> str:
        return f"Settings of {self.plugin}"


class PluginPause(models.Model):
    """One plugin does nothing for one connection while this row is there. Written by
    :mod:`portal.connections.plugin_switches`."""

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="plugin_pauses", db_index=False
    )
    plugin = models.CharField(max_length=100)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["connection", "plugin"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "plugin"], name="one_pause_a_plugin"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin} is off for {self.connection}"
