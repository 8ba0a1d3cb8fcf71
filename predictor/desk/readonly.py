"""What the desk's lists share: rows are read."""

import json

from django.contrib import admin
from django.utils.html import format_html


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows are read; what happened is never edited."""

    list_max_show_all = 0

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def pretty(content):
    """Content as indented JSON, a text as it is, in a box that scrolls where it is long."""
    is_text = isinstance(content, str)
    text = content if is_text else json.dumps(content, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="sent" tabindex="0">{}</pre>', text)
