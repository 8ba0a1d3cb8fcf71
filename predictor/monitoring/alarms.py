"""The two alarms of an active version: inputs moved, error rose. Active until acknowledged.

Called by the command, the admin and the metrics. docs/monitoring.md describes what they guarantee.
"""

from contextlib import suppress
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.models import Alarm
from predictor.versions.activation import live_version

from .days import count_days
from .errors import error_of
from .inputs import inputs_of


def look(progress=None):
    """Reads the new days, and sets the alarms of the active versions; returns the Alarms, a list."""
    count_days(progress)
    alarms = []
    for scheme in SCHEMES:
        version = live_version(scheme)
        if version is None:
            continue
        for kind, find in ((Alarm.Kind.INPUTS, inputs_of), (Alarm.Kind.ERROR, error_of)):
            alarm, _ = Alarm.objects.select_related("version").get_or_create(
                kind=kind, version=version
            )
            with suppress(ForestFileError, OSError):  # its file is missing: alarm unchanged
                _set(alarm, find(version, alarm.counted_from))
            alarms.append(alarm)
    return alarms


@transaction.atomic
def _set(alarm, finding):
    """Updates an alarm. It stays active even if the evidence shrinks later. If it was acknowledged while
    the days were read, it stays acknowledged: the finding is from before that."""
    counted_from = alarm.counted_from
    alarm.refresh_from_db(from_queryset=_locked())
    if alarm.counted_from != counted_from:
        return
    alarm.looked, alarm.observed = timezone.now(), finding.observed
    highest = max(finding.evidence.values(), default=0.0)
    alarm.evidence = float(np.exp(min(highest, 700)))
    if finding.moved and not alarm.active:
        alarm.active, alarm.began, alarm.segments = True, finding.began, finding.segments
        alarm.acknowledged_by, alarm.acknowledged_at, alarm.why = "", None, ""
    alarm.save()


def active_alarms():
    """[(kind, scheme, whether it is active), …] of active versions, for the metrics; django.db.Error."""
    rows = Alarm.objects.filter(version__activations__live=True)
    return [*rows.values_list("kind", "version__scheme", "active")]


def _locked():
    """The alarms, locked: a second transaction that updates one of them waits."""
    return Alarm.objects.select_for_update(of=("self",)).select_related("version")


@transaction.atomic
def acknowledge(alarm, by, why):
    """Stores the reason; the test restarts on the next day. False if it was already acknowledged."""
    alarm.refresh_from_db(from_queryset=_locked())
    if not alarm.active:
        return False
    alarm.active, alarm.acknowledged_by, alarm.why = False, by, why
    alarm.acknowledged_at = timezone.now()
    alarm.counted_from = timezone.now().date() + timedelta(days=1)
    alarm.save()
    return True
