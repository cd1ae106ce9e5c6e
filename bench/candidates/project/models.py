from django.db import models


class Order(models.Model):
    reference = models.CharField(max_length=100, unique=True)
    payload = models.JSONField()
    state = models.CharField(max_length=10, default="new")
    remote_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.reference
