"""The list of predictions, a page after the other: as quick at ten million rows as at ten thousand.

Nothing is counted, and nothing is sorted but by the id, which is the order of time. A filter that hardly
any row meets is looked for among so many rows at a time.
"""

from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import connection

OLDER, NEWER = "older", "newer"
"""Parameters: the id of the row that a page goes on from."""

GOING_ON = (OLDER, NEWER, "p", "e", "after")
"""Parameters that tell where in a view somebody is, not what it shows."""

NO_FILTERS = (OLDER, NEWER, "against", "last")
"""Parameters of the list's address, or of what is done with its rows, that filter nothing."""

LOOKED_THROUGH = 20_000
"""Rows that one page looks through where a filter has no index."""

FEW = 2_000
"""Matches of an indexed filter that are sorted at once; where there are more they lie dense."""


class KeysetChangeList(ChangeList):
    """Pages of the newest rows, of those older than a row, or newer."""

    show_admin_actions = True
    full_result_count, show_full_result_count = None, False

    def get_filters_params(self, params=None):
        kept = super().get_filters_params(params)
        return {name: value for name, value in kept.items() if name not in NO_FILTERS}

    def get_ordering(self, request, queryset):
        return ["-pk"]

    def get_results(self, request):
        older, newer = _id_of(request, OLDER), _id_of(request, NEWER)
        self.searched_to = None
        if newer:
            found = [*self.queryset.filter(pk__gt=newer).order_by("pk")[: self.list_per_page + 1]]
            more, found = len(found) > self.list_per_page, found[: self.list_per_page][::-1]
            self._goes_on(older=found and found[-1].pk, newer=more and found[0].pk)
        else:
            found = self._looked_up(older)
            more, found = len(found) > self.list_per_page, found[: self.list_per_page]
            last = found[-1].pk if more else self.searched_to
            self._goes_on(older=last, newer=older and (found[0].pk if found else older))
        self.result_list, self.result_count = found, len(found)

    def _looked_up(self, older):
        """The first rows older than one; of a filter without an index those in a window alone."""
        size, rows = self.list_per_page + 1, self.queryset
        if older:
            rows = rows.filter(pk__lt=older)
        if self.query or not self.has_active_filters:
            return [*rows[:size]]
        if (few := self._few(rows)) is not None:
            return [*rows.filter(pk__in=few)[:size]]
        newest, end = self._window(older)
        if end is None:
            return [*rows[:size]]
        # Both ends are named, so that a database takes the ids' index, not one of the filter's.
        found = [*rows.filter(pk__gt=end, pk__lte=newest)[:size]]
        if len(found) < size:
            self.searched_to = end
        return found

    def _few(self, rows):
        """The ids that an index finds, where there is one and they are few; else None."""
        indexed = self.model_admin.INDEXED
        if connection.vendor == "postgresql":
            indexed |= self.model_admin.INDEXED_ON_POSTGRESQL
        if not indexed & {*self.filter_params, *self._with_values()}:
            return None
        found = [*rows.order_by().values_list("pk", flat=True)[: FEW + 1]]
        return found if len(found) <= FEW else None

    def _with_values(self):
        return {f"{name}={value}" for name, (value, *_) in self.filter_params.items()}

    def _window(self, older):
        """The newest id that a page looks at, and the one that it looks no further than; the latter None
        where that is beyond the last."""
        rows = self.model.objects.order_by("-pk").values_list("pk", flat=True)
        begins = [spec.newest for spec in self.filter_specs if getattr(spec, "newest", None)]
        if older or begins:
            rows = rows.filter(pk__lt=min([*begins, *filter(None, [older])]))
        return rows.first(), rows[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()

    def _goes_on(self, older, newer):
        remove = [*GOING_ON]
        self.older = older and self.get_query_string({OLDER: str(older)}, remove)
        self.newer = newer and self.get_query_string({NEWER: str(newer)}, remove)


class FilterAlone(KeysetChangeList):
    """The rows that an address means, for what is done with all of them; no page is looked up."""

    def get_results(self, request):
        self.result_list, self.result_count = [], 0


def _id_of(request, name):
    if not request.GET.get(name):
        return None
    try:
        return UUID(request.GET[name])
    except ValueError:
        raise IncorrectLookupParameters from None
