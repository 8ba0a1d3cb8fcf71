"""The list of predictions with keyset pagination: as fast at ten million rows as at ten thousand.

Nothing is counted, and rows are sorted only by the id, which is the order of time. A filter names
the index that finds its rows (filters.py). Without one, or with too many rows, a page searches for
a limited time.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from predictor.admin.predictions.filters import StrictRange
from predictor.admin.predictions.finding import search_of
from predictor.history.searching import SECONDS, Found, search, share_searched
from predictor.models.ids import time_of
from predictor.wording.figures import percent

OLDER, NEWER = "older", "newer"
"""Parameters: the id of the row that a page continues from."""

STOP = "stop"
"""Parameter: a search that has found nothing does not continue by itself."""

GOING_ON = (OLDER, NEWER, STOP, "p", "e", "after")
"""Parameters for the position in a view; they do not change what it shows."""

NO_FILTERS = (OLDER, NEWER, STOP, "against", "last", "csv")
"""Parameters of the list's address, or of actions on its rows, that do not filter."""

ENDS = ("gte", "lte")
"""In the names of a range's parameters: its lower and its upper end."""

FEW = 2_000
"""The most matches of an indexed filter that are sorted at once; with more, the history is searched."""


@dataclass(frozen=True)
class Progress:
    """A search that is not finished: the id reached, the addresses that continue and stop it, and
    whether it continues by itself, as it does until something is found."""

    searched_to: UUID
    address: str
    stop: str
    by_itself: bool

    @property
    def day(self):
        """The day that the search has reached."""
        return localtime(time_of(self.searched_to))

    @property
    def share(self):
        """The share of the history's time that was searched, as text."""
        return percent(share_searched(self.searched_to), 0)


@dataclass(frozen=True)
class Searched:
    """The rows that were searched when none was found: their times, and the search in words."""

    since: datetime
    until: datetime
    text: str

    @classmethod
    def all_of(cls, view):
        """All rows of the history; None if it is empty."""
        ids = view.model.objects.values_list("pk", flat=True)
        ends = [ids.order_by(order).first() for order in ("pk", "-pk")]
        text = view.search.text if view.search else ""
        return cls(*(localtime(time_of(end)) for end in ends), text) if all(ends) else None


class KeysetChangeList(ChangeList):
    """Pages of the newest rows, or of the rows older or newer than a given one."""

    show_admin_actions = True
    full_result_count, show_full_result_count = None, False

    def get_filters_params(self, params=None):
        kept = super().get_filters_params(params)
        return {name: value for name, value in kept.items() if name not in NO_FILTERS}

    def get_ordering(self, request, queryset):
        return ["-pk"]

    def get_results(self, request):
        older, newer = id_of(request, OLDER), id_of(request, NEWER)
        found = self.find(self.queryset, self.list_per_page + 1, newer or older, bool(newer))
        more, rows = len(found.rows) > self.list_per_page, found.rows[: self.list_per_page]
        rows = rows[::-1] if newer else rows
        first, last = (rows[0].pk, rows[-1].pk) if rows else (newer or older, newer)
        ahead = (first if newer else last) if more else found.searched_to
        if newer:
            self._goes_on(older=last, newer=ahead)
        else:
            self._goes_on(older=ahead, newer=older and first)
        self.result_list, self.result_count = rows, len(rows)
        self.nothing = None if rows or found.searched_to else Searched.all_of(self)
        self.searching = found.searched_to and Progress(
            found.searched_to,
            address=self.newer if newer else self.older,
            stop=self.get_query_string({STOP: "1"}),
            by_itself=not rows and STOP not in request.GET,
        )

    def find(self, rows, wanted, start=None, newer=False, seconds=None):
        """The first `wanted` rows of the view, or of a part of it, after an id; Found."""
        if (few := self.few) is not None:
            rows = rows.filter(pk__in=few).order_by("pk" if newer else "-pk")
            beyond = {"pk__gt" if newer else "pk__lt": start} if start else {}
            return Found([*rows.filter(**beyond)[:wanted]])
        narrowed = [*self.filter_specs, self.search]
        newest, oldest = (
            [found for spec in narrowed if (found := getattr(spec, end, None))]
            for end in ("newest", "oldest")
        )
        if newer:
            start, last = (
                max([*oldest, *filter(None, [start])], default=None),
                min(newest, default=None),
            )
        else:
            start, last = (
                min([*newest, *filter(None, [start])], default=None),
                max(oldest, default=None),
            )
        return search(rows, wanted, start, last, newer, SECONDS if seconds is None else seconds)

    def next_rows(self, rows, wanted, after):
        """The next `wanted` of some rows of the view, oldest first, without a time limit on the
        search."""
        return self.find(rows, wanted, after, newer=True, seconds=math.inf).rows

    @cached_property
    def few(self):
        """The ids that the search or an indexed filter finds, if there are few; else None."""
        rows = self.model.objects.order_by()
        candidates = [
            ids_of(spec, rows)
            for spec in self.filter_specs
            if spec.index and spec.index.serves(spec)
        ]
        if self.search and self.search.has_index():
            candidates.insert(0, self.search.rows(rows).values_list("pk", flat=True))
        for ids in candidates:
            if len(found := [*ids[: FEW + 1]]) <= FEW:
                return found
        return None

    @cached_property
    def search(self):
        """What is typed into the search box, as a Search; None if nothing is."""
        return search_of(self.query, self.model.objects)

    @cached_property
    def active_filters(self):
        """[(title, chosen, address without it), …] of the search and the filters that are set."""
        chosen = [
            (spec.title, chosen_of(spec, self), spec.expected_parameters())
            for spec in self.filter_specs
        ]
        if self.query:
            chosen.insert(0, (_("search"), self.query, [SEARCH_VAR]))
        return [
            (title, text, self.get_query_string(remove=[*names, *GOING_ON]))
            for title, text, names in chosen
            if text
        ]

    def _goes_on(self, older, newer):
        remove = [*GOING_ON]
        self.older = older and self.get_query_string({OLDER: str(older)}, remove)
        self.newer = newer and self.get_query_string({NEWER: str(newer)}, remove)


class FilterAlone(KeysetChangeList):
    """The rows that an address selects, for actions on all of them; no page is looked up."""

    def get_results(self, request):
        self.result_list, self.result_count = [], 0


def ids_of(spec, rows):
    """The ids of a filter's rows, in no order: directly from another table if that has them."""
    if hasattr(spec, "related"):
        return spec.related().order_by().values_list("prediction_id", flat=True)
    return spec.queryset(spec.request, rows).values_list("pk", flat=True)


def chosen_of(spec, view):
    """What a filter is set to, as text; "" if it is not set."""
    used = {name: one for name, one in spec.used_parameters.items() if one not in ("", None, [""])}
    if not used:
        return ""
    if isinstance(spec, StrictRange):
        ends = (" ".join(str(one) for name, one in used.items() if end in name) for end in ENDS)
        return " – ".join(ends)
    shown = [
        str(choice["display"])
        for choice in spec.choices(view)
        if choice.get("selected") and "display" in choice
    ]
    return ", ".join(shown or map(str, used.values()))


def id_of(request, name):
    """The id in a parameter of the address; None without one."""
    if not request.GET.get(name):
        return None
    try:
        return UUID(request.GET[name])
    except ValueError:
        raise IncorrectLookupParameters from None
