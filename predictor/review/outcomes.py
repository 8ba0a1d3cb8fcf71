"""Outcomes: the prices that clients report for priced stones. They wait until reviewers release or refuse
them; only then they are reviews, which alarms and retrainings use."""

from functools import partial

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from ml.stones import KINDS, PRICE
from predictor.history.batches import write_in_batches
from predictor.models import Outcome, Review
from predictor.models.reviews import LONGEST_SOURCE
from predictor.pricing.serializers import (
    ABSENT,
    MAX_UNKNOWN,
    MeasureField,
    in_row,
    rows_refusal,
    shown,
)
from predictor.review import judging
from predictor.review.saving import add_reviews

MOST = 1000
"""The most outcomes in one request."""

MOST_WAITING = 50_000
"""The most outcomes of a client that wait for a reviewer."""

MOST_REVIEWED = 10_000
"""The most outcomes that are released or refused at once."""

AT_A_TIME = 100
"""Outcomes written by one transaction."""

AMOUNT = MeasureField("amount", PRICE)
STATE, REVIEWED = Outcome.State, "reviewed"


class TooManyWaiting(Exception):
    """The client's outcomes have to be reviewed before it can report more."""


class NotWaiting(Exception):
    """An outcome was refused or replaced since it was read."""


# Reporting


def report(sent, by):
    """Saves a list of outcomes as sent, [{"id", "amount", "kind", "currency", "when"}, …], all of which
    must be valid; returns the Outcomes in the same order.

    by: the user who reports them; a later report of the same prediction replaces an earlier one that waits.
    Raises ValidationError with an entry for each wrong row, and TooManyWaiting.
    """
    if not sent or len(sent) > MOST:
        message = _("{count} outcomes: give 1 to {most} in one request.")
        raise ValidationError({"non_field_errors": [message.format(count=len(sent), most=MOST)]})
    rows = _checked(sent, by)
    new = len(rows) - len(_reported([row.prediction_id for row in rows], by))
    if new and Outcome.objects.filter(by=by, state=STATE.WAITING).count() + new > MOST_WAITING:
        raise TooManyWaiting
    for _written in write_in_batches(_save, rows, AT_A_TIME):
        pass
    found = _reported([row.prediction_id for row in rows], by)
    for row in rows:
        found[row.prediction_id].prediction = row.prediction
    return [found[row.prediction_id] for row in rows]


def _checked(sent, by):
    """The Outcomes of a list as sent, not saved."""
    texts = [one["id"] for one in sent if isinstance(one, dict) and isinstance(one.get("id"), str)]
    known = judging.predictions_of(texts)
    earlier = _reported(list(known), by)
    errors, found, places = [], [], {}
    for place, one in enumerate(sent):
        try:
            outcome = _outcome(one, known, by)
            _refuse_second(outcome, places, earlier)
            found.append(outcome)
            places[outcome.prediction_id] = place
        except ValidationError as error:
            errors.append(in_row(place, error.detail))
    if errors:
        raise rows_refusal(errors)
    return found


def _outcome(sent, known, by):
    """An Outcome as sent; ValidationError with {field: [message]}."""
    if not isinstance(sent, dict):
        message = _("“{value}” is not an outcome: give an object.").format(value=shown(sent))
        raise ValidationError({"non_field_errors": [message]})
    prediction = _read("id", judging.prediction_of, sent, known)
    values, errors = {}, {}
    for name, read in READERS.items():
        try:
            values[name] = _read(name, read, sent.get(name, ABSENT), prediction)
        except ValidationError as error:
            errors |= error.detail
    unknown = [name for name in sent if name not in READERS and name != "id"][:MAX_UNKNOWN]
    names = ", ".join(READERS)
    message = _("Unknown parameter; there are {names}.").format(names=names)
    errors |= {shown(name): [message] for name in unknown}
    if errors:
        raise ValidationError(errors)
    amount, kind, sold_on = values["amount"], values["kind"], values["when"]
    return Outcome(prediction=prediction, amount=amount, kind=kind, sold_on=sold_on, by=by)


def _read(name, read, *arguments):
    try:
        return read(*arguments)
    except judging.Wrong as wrong:
        raise ValidationError({name: [wrong.message]}) from None
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from None


def _amount(sent, prediction):
    amount = AMOUNT.run_validation(sent)
    judging.refuse_impossible(amount, prediction)
    return amount


def _currency(sent, prediction):
    if sent is not ABSENT:
        judging.refuse_currency(sent if isinstance(sent, str) else shown(sent), prediction)


def _kind(sent, prediction):
    if sent not in KINDS:
        raise ValidationError([_("Use asking or paid.")])
    return sent


def _when(sent, prediction):
    if sent in (ABSENT, None):
        return None
    return judging.day_typed(sent if isinstance(sent, str) and sent else shown(sent))


READERS = {"amount": _amount, "currency": _currency, "kind": _kind, "when": _when}


def _refuse_second(outcome, places, earlier):
    """Refuses a prediction that is twice in a list, or whose outcome was reviewed and would change.

    places: {prediction's id: row} of the rows before.
    """
    if (place := places.get(outcome.prediction_id)) is not None:
        raise ValidationError({"id": [_("It is also in row {row}.").format(row=place)]})
    before = earlier.get(outcome.prediction_id)
    if before and before.state != STATE.WAITING and not _same(before, outcome):
        message = _("It was reviewed already, so it cannot change.")
        raise ValidationError({"id": [ErrorDetail(message, REVIEWED)]})


def _same(one, other):
    return (one.amount, one.kind, one.sold_on) == (other.amount, other.kind, other.sold_on)


def _reported(ids, by):
    """{prediction's id: Outcome} of what a user has reported of these predictions."""
    found = {}
    for start in range(0, len(ids), 500):
        rows = Outcome.objects.filter(by=by, prediction__in=ids[start : start + 500])
        found |= {row.prediction_id: row for row in rows}
    return found


def _save(rows):
    """Saves some Outcomes of a user in a short transaction; those that are there already stay."""
    with transaction.atomic():
        before = _reported([row.prediction_id for row in rows], rows[0].by)
        new = [row for row in rows if row.prediction_id not in before]
        for row in rows:
            one = before.get(row.prediction_id)
            if one and one.state == STATE.WAITING and not _same(one, row):
                new.append(row)
        replaced = [before[row.prediction_id].pk for row in new if row.prediction_id in before]
        Outcome.objects.filter(pk__in=replaced, state=STATE.WAITING).delete()
        Outcome.objects.bulk_create(new, ignore_conflicts=True)


# Reviewing


def release(ids, by, progress=lambda done, total: None):
    """Makes waiting outcomes reviews, and returns how many; a review that is there stays as it is.

    ids: of Outcomes; by: the reviewer. progress: called with the number done and in all.
    """
    return _in_turn(_release, ids, by, progress)


def refuse(ids, by, progress=lambda done, total: None):
    """Refuses waiting outcomes, and returns how many. Arguments as of `release`."""
    return _in_turn(_refuse, ids, by, progress)


def _in_turn(act, ids, by, progress):
    changed, done = 0, 0
    for count in write_in_batches(partial(act, by), ids, AT_A_TIME):
        changed, done = changed + count, min(done + AT_A_TIME, len(ids))
        progress(done, len(ids))
    return changed


def _release(by, ids):
    waiting = Outcome.objects.filter(pk__in=ids, state=STATE.WAITING).select_related("by")
    waiting = list(waiting.order_by("pk"))
    first = {outcome.prediction_id: outcome for outcome in reversed(waiting)}

    def close(saved):
        if _close([outcome.pk for outcome in waiting], STATE.RELEASED, by) < len(waiting):
            raise NotWaiting

    try:
        add_reviews([_review(outcome, by) for outcome in first.values()], close)
    except NotWaiting:  # no review was saved
        return _release(by, ids)
    return len(waiting)


def _refuse(by, ids):
    return _close(ids, STATE.REFUSED, by)


def _close(ids, state, by):
    rows = Outcome.objects.filter(pk__in=ids, state=STATE.WAITING)
    return rows.update(state=state, reviewed_by=by, reviewed_at=timezone.now())


def _review(outcome, by):
    """The Review of a released outcome; its source says who reported it, and what kind of price it is."""
    source = f"{outcome.by.get_username()} ({outcome.kind})"[:LONGEST_SOURCE]
    return Review(
        prediction_id=outcome.prediction_id,
        actual_price=outcome.amount,
        sold_on=outcome.sold_on,
        source=source,
        by=by,
    )
