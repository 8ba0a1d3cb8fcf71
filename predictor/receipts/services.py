"""Signs recorded answers, and checks these receipts: the signature, then the price by the version's file.

Called by the pricing service, the pages, and manage.py receipt.
"""

import json
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256

from django.utils import timezone

from ml.forest.artifact import ForestFileError
from predictor.models import ModelVersion, Prediction
from predictor.replay.services import HALF_A_CENT, replayed
from predictor.signing import jws

KIND = "diamond-receipt+jws"

LARGEST = 64 * 1024
"""Characters of a text that may hold a receipt, such as a whole answer; checked before it is read."""

PARAMETER = "receipt"
"""The receipt in an address (its QR code), and in an answer's JSON."""

GENUINE, NO_FILE, OTHER_PRICE, OTHER_ANSWER = "genuine", "no_file", "other_price", "other_answer"
PRICES = "price", "low", "high"


@dataclass(frozen=True)
class Verdict:
    """The result of checking a receipt.

    code: GENUINE (signed here, and the version's file gives this price), NO_FILE (signed here, but that
    file is not here), OTHER_PRICE (it gives another), OTHER_ANSWER (the answer around it is another), or a
    code of jws.NotValid. content: what was signed, if it was; why: details in English. recorded: whether
    the history has this answer; None if it has no such row (any more).
    """

    code: str
    content: dict | None = None
    why: str = ""
    recorded: bool | None = None


def receipt_of(prediction):
    """The signed text of an answer (a Prediction with its version). KeysUnusable."""
    return jws.sign(_content(prediction), KIND)


def receipt_of_recorded(prediction):
    """The same for a row of the history: None unless the version's file gives the recorded answer, so that
    a row that somebody changed is not signed. KeysUnusable."""
    try:
        answer = replayed(prediction)
    except (ForestFileError, OSError):
        return None
    same = all(_is_same(getattr(answer, name), getattr(prediction, name)) for name in PRICES)
    return receipt_of(prediction) if same else None


def _is_same(now, before):
    return abs(now - before) < HALF_A_CENT


def _content(prediction):
    version = prediction.version
    return {
        "id": str(prediction.pk),
        "created": _moment(prediction.created),
        "signed": _moment(timezone.now()),
        "scheme": version.scheme,
        "version": version.number,
        "sha256": version.sha256,
        "request_sha256": sha256(prediction.request.encode()).hexdigest(),
        "features": prediction.features,
        "assumed": prediction.assumed,
        **{name: getattr(prediction, name) for name in PRICES},
        "currency": version.currency,
        "price_year": version.price_year,
    }


def _moment(moment):
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def judge(text):
    """The Verdict on a text: a receipt, an address with one, or an answer's JSON. KeysUnusable."""
    if len(text) > LARGEST:
        return Verdict("too_long", why=f"it has over {LARGEST} characters")
    answer, receipt = _found(text)
    try:
        content = jws.verified(receipt, KIND)
        verdict = _recomputed(content)
    except jws.NotValid as error:
        return Verdict(error.code, why=str(error))
    except (KeyError, TypeError, ValueError):
        return Verdict("not_signed", why="what was signed is no receipt of this release")
    if verdict.code in (GENUINE, NO_FILE) and (why := _difference(answer, content)):
        return Verdict(OTHER_ANSWER, content, why)
    return verdict


def _found(text):
    """(the answer around a receipt or None, the receipt) of a text."""
    text = text.removeprefix("\ufeff").strip()  # as some editors begin a file
    if text.startswith("{"):
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            return None, ""
        receipt = answer.get(PARAMETER)
        return answer, receipt if isinstance(receipt, str) else ""
    address, found, receipt = text.partition(f"{PARAMETER}=")
    return None, receipt.partition("&")[0] if found else address


def _recomputed(content):
    """The Verdict on what was signed, by the version's file and the history."""
    of_file = {"scheme": content["scheme"], "sha256": content["sha256"]}
    version = ModelVersion.objects.filter(**of_file).first()
    stone = {"scheme": content["scheme"], "assumed": content["assumed"], **content["features"]}
    signed = {name: content[name] for name in PRICES}
    try:
        answer = version and replayed(Prediction(version=version, **stone))
    except (ForestFileError, OSError):
        answer = None
    if answer is None:
        return Verdict(NO_FILE, content, "its version's file is not here", _recorded(content))
    for name, amount in signed.items():
        now = getattr(answer, name)
        if not _is_same(now, amount):
            why = f"{name} {now:.4f}, in the receipt {amount:.4f}"
            return Verdict(OTHER_PRICE, content, why)
    return Verdict(GENUINE, content, recorded=_recorded(content))


def _recorded(content):
    """Whether the history has the same answer; None if the row is gone."""
    row = Prediction.objects.filter(pk=content["id"]).select_related("version").first()
    if row is None:
        return None
    try:
        return row.status == 200 and _content(row) | {"signed": content["signed"]} == content
    except (AttributeError, KeyError, TypeError, ValueError):  # it was changed to what is no answer
        return False


def _difference(answer, content):
    """How the answer's JSON around a receipt differs from it; "" if it does not."""
    if answer is None:
        return ""
    given = answer.get("price_range")
    given = given if isinstance(given, dict) else {}
    shown = answer | {"price_range": [given.get("low"), given.get("high")]}
    for name, value in _signed(content).items():
        if shown.get(name) != value:
            return f"the answer’s {name} differs from its receipt"
    return ""


def _signed(content):
    """What the answer's JSON has to say by its receipt; of the range, its ends."""
    stone = Prediction(
        **{name: content[name] for name in PRICES}, carat=content["features"]["carat"]
    )
    return {
        "id": content["id"],
        "features": content["features"],
        "assumed": content["assumed"] or None,
        "predicted_price": stone.predicted_price,
        "price_range": [stone.whole_low, stone.whole_high],
        "price_per_carat": stone.price_per_carat,
        "model": {"scheme": content["scheme"], "version": content["version"]},
        **{name: content[name] for name in ("currency", "price_year")},
    }
