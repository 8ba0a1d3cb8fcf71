"""The files that people priced on the site."""

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .ids import uuid7


class PricedFile(models.Model):
    """A table of stones that was priced in one request: its name, its columns, and its answers.

    predictions: the ids of its rows' Predictions, as hex, in the file's order; their `request` is the row
    as sent, so that the file can be returned with all of its columns.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created = models.DateTimeField(_("when"), default=timezone.now)
    name = models.CharField(_("file name"), max_length=100)
    separator = models.CharField(_("separator"), max_length=1)
    columns = models.JSONField(_("columns"))
    predictions = models.JSONField(_("predictions"))

    class Meta:
        verbose_name, verbose_name_plural = _("priced file"), _("priced files")
        default_permissions = ()

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("priced-file", args=[self.pk])
