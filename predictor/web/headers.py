"""Response headers for browsers: what each page may load, from where, and what it may use."""

from csp.constants import NONCE, SELF
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.utils.http import http_date

PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "publickey-credentials-get",
        "screen-wake-lock",
        "usb",
        "xr-spatial-tracking",
    )
)

JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""JSON loads and uses nothing. A constant, because the API sends it with every response."""

ADMIN = {
    "script-src": [SELF, NONCE],
    "style-src": [SELF, NONCE],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
}
"""Django's admin scripts, and the inline scripts of django-admin-rangefilter, with a nonce."""

DOCS = {"script-src": [SELF], "img-src": [SELF, "data:"], "connect-src": [SELF]}
"""Swagger UI: its scripts, its icons, and the requests that it sends to this API."""

LIVE = {"script-src": [SELF], "connect-src": [SELF]}
"""The form's live estimate and a list's progress (htmx), and the quote's button that copies its address."""

RELAXED = {"admin": ADMIN, "docs": DOCS, "home": LIVE, "quote": LIVE, "priced-file": LIVE}
"""The differences from the public pages' policy, by the name of a view or of its namespace."""


def add_retirement(response, versions):
    """Adds to an answer by versions, where one is retired, since when (Deprecation, RFC 9745), and
    until when it answers at least (Sunset, RFC 8594). Returns the response."""
    retired = [version.retired for version in versions if version.retired]
    sunsets = [version.sunset for version in versions if version.retired and version.sunset]
    if retired:
        response["Deprecation"] = f"@{int(min(retired).timestamp())}"
    if sunsets:
        response["Sunset"] = http_date(min(sunsets).timestamp())
    return response


def api_headers():
    """The headers of every API response: those of the pages that also apply to JSON."""
    headers = {
        "Content-Security-Policy": JSON_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if settings.SECURE_HSTS_SECONDS:
        with_all = "; includeSubDomains; preload" if settings.HSTS_SUBDOMAINS else ""
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}{with_all}"
    return headers


class PolicyMiddleware(CSPMiddleware):
    """django-csp with a policy for each part of the site, and Permissions-Policy."""

    def process_response(self, request, response):
        if response.headers.get("Content-Type") == "application/json":
            response.headers.setdefault("Content-Security-Policy", JSON_POLICY)
            response.headers.setdefault("X-Frame-Options", "DENY")
            return response
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return super().process_response(request, response)

    def get_policy_parts(self, request, response, report_only=False):
        parts = super().get_policy_parts(request, response, report_only)
        match = request.resolver_match
        if match and not report_only:
            parts.replace = RELAXED.get(match.namespace or match.url_name)
        return parts
