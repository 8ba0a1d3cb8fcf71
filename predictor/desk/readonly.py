"""What the desk's lists share: rows are read, filtered by known choices and not counted in full."""

import json

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.html import format_html


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows are read; what happened is never edited."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class FixedChoices(admin.SimpleListFilter):
    """Filters a column by choices that are known: to ask the log for them would read all of it."""

    def queryset(self, request, rows):
        known = {value for value, _ in self.lookup_choices}
        return rows.filter(**{self.parameter_name: self.value()}) if self.value() in known else rows


class UncountedPaginator(Paginator):
    """Counts no more rows than a reader could page through: a full count reads the whole log."""

    most = 10_000

    @cached_property
    def count(self):
        return self.object_list.order_by()[: self.most].count()


def pretty(content):
    """Content as indented JSON in a <pre>."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    return format_html("<pre>{}</pre>", text)
