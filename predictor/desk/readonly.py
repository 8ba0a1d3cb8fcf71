"""What the desk's lists share: rows are read, and not counted in full."""

import json

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.html import format_html

from predictor.wording.figures import number


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows are read; what happened is never edited."""

    list_max_show_all = 0

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class UncountedPaginator(Paginator):
    """Counts no more rows than a reader could page through: a full count reads the whole log."""

    most = 10_000

    @cached_property
    def found(self):
        return self.object_list.order_by()[: self.most + 1].count()

    @property
    def count(self):
        return min(self.found, self.most)

    @property
    def more_than(self):
        """How many rows there are at least, ready to read, where they are not counted in full."""
        return number(self.most) if self.found > self.most else ""


def pretty(content):
    """Content as indented JSON, a text as it is, in a box that scrolls where it is long."""
    is_text = isinstance(content, str)
    text = content if is_text else json.dumps(content, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="sent" tabindex="0">{}</pre>', text)
