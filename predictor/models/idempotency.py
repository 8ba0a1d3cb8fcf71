"""Answers that are kept for requests that may be sent again."""

from django.db import models
from django.utils import timezone


class IdempotencyKey(models.Model):
    """An answer kept under the Idempotency-Key of its request, so that a retry gets the same bytes.

    digest: SHA-256 of the client and its key; fingerprint: of the request. headers: those of the answer;
    content: its body, compressed by zlib.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    created = models.DateTimeField(default=timezone.now, db_index=True)
    headers = models.JSONField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return self.digest
