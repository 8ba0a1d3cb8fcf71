"""What the admin's read-only lists share."""

import json

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils.html import format_html


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows are read-only; records of the past are never edited."""

    list_max_show_all = 0

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def guarded(self, view, permission):
        """Wraps an admin view so that it requires a permission."""

        def guarded(request, *args, **kwargs):
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return self.admin_site.admin_view(guarded)

    def page(self, request, template, title, **context):
        """Renders an additional page of the admin, from a template in admin/predictor/."""
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return render(request, f"admin/predictor/{template}.html", shared | context)

    def log_act(self, request, what, message):
        """Adds an entry to the admin's log about an action on many rows at once."""
        LogEntry.objects.create(
            user=request.user,
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=what[:200],
            action_flag=CHANGE,
            change_message=message,
        )


def pretty(content):
    """Content as indented JSON, a text unchanged; a long one scrolls."""
    is_text = isinstance(content, str)
    text = content if is_text else json.dumps(content, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="sent" tabindex="0">{}</pre>', text)
