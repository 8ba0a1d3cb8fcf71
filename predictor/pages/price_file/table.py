"""The stones of a priced list as a table: sorted, in pages, asking prices compared with estimates."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.utils.translation import gettext as _

from ml.stones import bounded
from ml.tables.headings import recognised
from predictor.pages.price_file.columns import COMPARED
from predictor.quotes.presentation import range_text, short_name
from predictor.wording.figures import money, number, signed_percent
from predictor.wording.sentences import FAIRNESS, SIGNS

ROWS = 25
"""How many stones a page of the table has."""


def over(prediction):
    """By how much the asking price is over the estimate, as a ratio: −0.1 for 10 % under it."""
    return prediction.asking / prediction.predicted_price - 1


SORTS = {
    "asking": lambda one: one.asking,
    "price": lambda one: one.price,
    "over": over,
}
"""{a name in the address: what it sorts by}; a minus sign before it means descending."""


@dataclass(frozen=True)
class Heading:
    """A column's heading. address: sorts by it, the other way round if it is sorted by it; direction: as in
    aria-sort, "" if it is not sorted by it."""

    title: str
    address: str = ""
    direction: str = ""
    is_figure: bool = True


def table_of(request, predictions, columns):
    """What the template shows of Predictions: headings, rows, pages; columns: those of the list."""
    compared = any(one.asking is not None for one in predictions)
    sort = request.GET.get("sort", "")
    key = SORTS.get(sort.lstrip("-")) if compared or sort.lstrip("-") == "price" else None
    ordered = _sorted(predictions, key, sort.startswith("-")) if key else predictions
    page = Paginator(ordered, ROWS).get_page(bounded(request.GET.get("page", ""))[:9])
    reference = columns[0] if columns and not recognised(columns[:1]) else ""
    return {
        "compared": compared,
        "title": reference or _("Quote"),
        "headings": _headings(compared, sort if key else ""),
        "rows": [_row(one, compared, reference) for one in page.object_list],
        "page": page,
        "first": number(page.start_index()),
        "last": number(page.end_index()),
        "previous": _address(sort, page.number - 1) if page.has_previous() else "",
        "next": _address(sort, page.number + 1) if page.has_next() else "",
    }


def _sorted(predictions, key, descending):
    known = [one for one in predictions if one.asking is not None or key is SORTS["price"]]
    others = [one for one in predictions if one.asking is None and key is not SORTS["price"]]
    return sorted(known, key=key, reverse=descending) + others


def _address(sort, page=1):
    values = {**({"sort": sort} if sort else {}), **({"page": page} if page > 1 else {})}
    return f"?{urlencode(values)}#stones"


def _headings(compared, sort):
    titles = {"price": _("Our estimate")}
    if compared:
        titles = {"over": _("Over or under"), "asking": _("Asking price"), **titles}
    return [
        *(_heading(name, title, sort) for name, title in titles.items()),
        Heading(_("Range")),
    ]


def _heading(name, title, sort):
    if sort.lstrip("-") != name:
        return Heading(title, _address(f"-{name}"))
    is_descending = sort.startswith("-")
    direction = "descending" if is_descending else "ascending"
    return Heading(title, _address(name if is_descending else f"-{name}"), direction)


def _row(prediction, compared, reference):
    asked = prediction.asking is not None
    cells = {
        "prediction": prediction,
        "name": short_name(prediction),
        "price": money(prediction.predicted_price),
        "range": range_text(prediction),
    }
    if compared:
        cells["asking"] = money(prediction.asking) if asked else "–"
        cells["over"] = signed_percent(over(prediction)) if asked else "–"
        cells["fairness"] = prediction.fairness if asked else ""
        cells["word"] = word_of(prediction.fairness) if asked else ""
    if reference:
        sent = prediction.request_object()
        cells["reference"] = str(sent.get(reference, "")) if isinstance(sent, dict) else ""
    return cells


def word_of(fairness):
    """A Prediction.fairness with its sign."""
    return f"{SIGNS[fairness]}\xa0{FAIRNESS[fairness]}"


def compared_cells(prediction, separator):
    """The values of COMPARED for a file; a list separated by semicolons has decimal commas."""
    if prediction.asking is None:
        return [""] * len(COMPARED)
    percent = f"{100 * over(prediction):.1f}"
    return [percent.replace(".", ",") if separator == ";" else percent, prediction.fairness]
