"""What browsers ask of a site: its icon and its manifest."""

from django.http import JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

ICONS = (192, 512)
"""px; the sizes of the icons for home screens."""


@require_safe
def favicon(request):
    """The icon where browsers look for it without reading a page."""
    return redirect(static("predictor/favicon.ico"), permanent=False)


@require_safe
def manifest(request):
    """The web manifest, in the reader's language: a name and icons for a phone's home screen."""
    icons = [
        {
            "src": static(f"predictor/icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
        }
        for size in ICONS
    ]
    shown = {
        "name": _("Diamond prices"),
        "short_name": _("Diamonds"),
        "description": _("Prices of natural round diamonds, from the data of a grading report."),
        "lang": get_language(),
        "start_url": reverse("home"),
        "display": "browser",
        "background_color": "#f6f7f8",
        "theme_color": "#1d5480",
        "icons": icons,
    }
    return JsonResponse(shown, content_type="application/manifest+json")
