"""Reviewers' judgements of recorded answers: entered one by one, or many at once from a file."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from ml.tables.errors import DatasetError
from ml.tables.headings import OF_REVIEWS, find, refuse_other_currency
from ml.tables.sheet import read_sheet
from predictor.history.review_history import complete_history
from predictor.models import ModelVersion, Prediction, Review
from predictor.models.reviews import LONGEST_NOTE, LONGEST_SOURCE
from predictor.pricing.amounts import AmountRefused, mark_of_column, price_typed
from predictor.review.locking import TakenError, without_lock_of_others
from predictor.review.saving import add_reviews, save_reviews
from predictor.wording.files import sentence_of

MOST_ROWS = 10_000
MOST_BYTES = 10_000_000
FEW_ROWS, FEW_BYTES = 1000, 40_000
"""Longer files are read by a job: CSV by rows, workbooks by bytes."""

MOST_TIMES = 100
"""The largest ratio between an actual price and its answer, in either direction: more is a typing error.
With 1000 a price of 3.1 for 3,100 was accepted."""


class ChangedError(Exception):
    """Another reviewer has saved a review since the form was opened; `review`: theirs."""

    def __init__(self, review):
        super().__init__(str(review))
        self.review = review


# Answers without a review


def not_judged(rows):
    """The predictions of a queryset that have no review."""
    return rows.filter(~Exists(Review.objects.filter(prediction=OuterRef("pk"))))


# One at a time


def judge(prediction, by, seen=None, **said):
    """Saves a reviewer's judgement of an answer, and replaces an earlier one.

    said: state, actual_price, sold_on, source, note; seen: `seen_of` the answer when the form was opened
    (None: not checked). Raises TakenError if another reviewer has it locked, ChangedError if one saved
    meanwhile.
    """
    with transaction.atomic():
        complete_history([prediction.pk])
        _refuse_if_changed(prediction, by, seen)
        judge_all([(prediction, said)], by)


def seen_of(prediction):
    """The number of the answer's latest review, as text; "" without one."""
    latest = Review.history.filter(prediction_id=prediction.pk).values_list("pk", flat=True)
    return str(latest.first() or "")


def _refuse_if_changed(prediction, by, seen):
    if seen in (None, seen_of(prediction)):
        return
    if review := Review.objects.filter(prediction=prediction).exclude(by=by).first():
        raise ChangedError(review)


def judge_all(judgements, by, then=lambda: None):
    """The same for many answers, all or none; judgements: [(Prediction, said), …]; then: called in the
    same transaction."""
    save_reviews([Review(prediction=one, by=by, **said) for one, said in judgements], by, then)


def open_to(rows, by):
    """The answers of a queryset without a review that no other reviewer has open."""
    return without_lock_of_others(not_judged(rows.filter(status=200)), by)


# Many at once


def to_judge(rows):
    """The ids of a queryset's answers without a review."""
    return not_judged(rows.filter(status=200)).values_list("pk", flat=True)


def mark(ids, by, state, note="", then=lambda saved: None):
    """Saves one judgement for all of these answers, or none; returns the number. Answers reviewed meanwhile
    are skipped. then: called with the number, in the same transaction."""
    reviews = [Review(prediction_id=pk, by=by, state=state, note=note) for pk in ids]
    return add_reviews(reviews, then)


@dataclass
class Upload:
    """The result of reading a file: the number of prices saved, or the errors by row; what was skipped:
    the number of rows without a price, and the columns."""

    kept: int = 0
    errors: list = field(default_factory=list)
    without_price: int = 0
    columns_left_out: list = field(default_factory=list)


def is_long(content):
    """Whether a file takes too long to be read at once."""
    if content.startswith(b"PK"):
        return len(content) > FEW_BYTES
    return max(content.count(b"\n"), content.count(b"\r")) > FEW_ROWS + 1


def read_prices(content, name, by, progress=lambda done, total: None, then=lambda upload: None):
    """Saves the actual prices of a CSV file or a workbook: all of them, or none if a row has an error.

    content: the file's bytes, name: its name. Columns: id and price, and optionally currency, sold_on
    (2026-11-26), source, note, state; an export of the history has them as actual_price and so on. Errors
    name the line. progress: called with the rows read and their number, until they are saved. Returns an
    Upload. then: called with it in the transaction that saves the prices.
    """
    try:
        sheet = read_sheet(content, name, MOST_ROWS, MOST_BYTES)
        places = find(sheet.header, OF_REVIEWS, sheet.line).places
    except DatasetError as error:
        return Upload(errors=[(None, "", sentence_of(error))])
    for needed in ("id", "price"):
        if needed not in places:
            message = _("The column {name} is missing.").format(name=needed)
            return Upload(errors=[(None, "", message)])
    rows = [
        (line, {name: cells[place].strip() for name, place in places.items()})
        for line, cells in sheet.rows
    ]
    priced = [(line, row) for line, row in rows if row["price"]]
    if not priced:
        return Upload(errors=[(None, "", _("There is no price in the file."))])
    errors, said = _checked(priced, sheet.header[places["price"]], progress)
    if errors:
        return Upload(errors=errors)
    others = [name for place, name in enumerate(sheet.columns) if place not in places.values()]
    upload = Upload(len(said), [], len(rows) - len(priced), others)
    try:
        judge_all(said, by, lambda: then(upload))
    except TakenError as taken:
        message = _("{user} is reviewing it.").format(user=taken.lock.by)
        return Upload(errors=[(None, str(taken.lock.prediction_id), message)])
    return upload


def _checked(rows, heading, progress):
    """The rows' errors, [(line, column, message), …], and their judgements, [(Prediction, said), …].

    heading: that of the prices, which must not name another currency than the predictions'.
    """
    known = predictions_of([row["id"] for _line, row in rows], progress)
    mark = mark_of_column(row["price"] for _line, row in rows)
    errors, said, seen = [], [], {}
    for number, row in rows:
        try:
            prediction = prediction_of(row, known)
            if prediction.pk in seen:
                raise Wrong("id", _("It is also in row {row}.").format(row=seen[prediction.pk]))
            seen[prediction.pk] = number
            refuse_other_currency(heading, prediction.version.currency)
            said.append((prediction, _said_of(row, prediction, mark)))
        except DatasetError as error:
            errors.append((number, "price", sentence_of(error)))
        except Wrong as wrong:
            errors.append((number, wrong.column, wrong.message))
    return errors, said


class Wrong(Exception):
    """An error in a row: the column, and the message; choices: those of AmountRefused."""

    def __init__(self, column, message, choices=()):
        super().__init__(message)
        self.column, self.message, self.choices = column, message, choices


def predictions_of(texts, progress=lambda done, total: None):
    """{id: Prediction} of the ids among these texts, with what the check of a row needs."""
    versions = ModelVersion.objects.only("currency").in_bulk()
    ids = [uuid for text in texts if (uuid := _uuid(text))]
    rows = Prediction.objects.only("status", "price", "version")
    found = {}
    for start in range(0, len(ids), 500):
        found |= rows.in_bulk(ids[start : start + 500])
        progress(len(found), len(texts))
    for prediction in found.values():
        prediction.version = versions.get(prediction.version_id)
    return found


def _uuid(text):
    try:
        return UUID(text)
    except ValueError:
        return None


def prediction_of(row, known):
    """The Prediction, of `predictions_of`, that a row's id names; raises Wrong."""
    sent = str(row.get("id", ""))
    prediction = known.get(_uuid(sent))
    if prediction is None:
        raise Wrong("id", _("Prediction {id} does not exist.").format(id=repr(sent)[:60]))
    if prediction.status != 200:
        raise Wrong("id", _("This request was refused, so it has no price."))
    return prediction


def _said_of(row, prediction, mark):
    text = {name: row.get(name, "") for name in OF_REVIEWS}
    if text["currency"]:
        refuse_currency(text["currency"], prediction)
    for name, most in (("source", LONGEST_SOURCE), ("note", LONGEST_NOTE)):
        if len(text[name]) > most:
            raise Wrong(name, _("Longer than {most} characters.").format(most=most))
    state = text["state"] or Review.State.CHECKED
    if state not in Review.State.values:
        raise Wrong("state", _("Use checked or disputed."))
    return {
        "actual_price": actual_price(text["price"], prediction, mark),
        "sold_on": day_typed(text["sold_on"]),
        "source": text["source"],
        "note": text["note"],
        "state": state,
    }


def actual_price(text, prediction, mark=""):
    """A price as typed; raises Wrong if it is not understood completely, or impossible for this stone.

    mark: the decimal mark of its column.
    """
    try:
        price = price_typed(text, prediction, mark)
    except AmountRefused as refused:
        raise Wrong("price", str(refused), refused.choices) from None
    refuse_impossible(price, prediction)
    return price


def refuse_impossible(price, prediction):
    """Raises Wrong if a price is too far from the predicted one to be that of the same stone."""
    if not 1 / MOST_TIMES <= price / prediction.price <= MOST_TIMES:
        raise Wrong(
            "price", _("It is too far from the predicted price to be the price of this stone.")
        )


def refuse_currency(code, prediction):
    """Raises Wrong if a currency's code is not that of the prediction, in any letter case."""
    currency = prediction.version.currency
    if code.upper() != currency:
        raise Wrong("currency", _("The prediction is in {currency}.").format(currency=currency))


def day_typed(text):
    """A date as typed, None for ""; raises Wrong if it is invalid or in the future."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # Python also reads weeks, as 2026-W05-1
        raise Wrong("sold_on", _("Invalid date; use YYYY-MM-DD."))
    if day > timezone.localdate():
        raise Wrong("sold_on", _("The date is in the future."))
    return day
