"""The short way of a request to the API: past the middleware that only pages need.

Sessions, languages, messages and CSRF tokens are none of the API's business, and take longer than a price.
"""

from django.urls import resolve, reverse


class ApiShortcut:
    """Middleware that calls an API view at once; what stands before it in MIDDLEWARE sees all requests."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.api = {path: resolve(path) for path in (reverse("predict"), reverse("model"))}

    def __call__(self, request):
        match = self.api.get(request.path_info)
        if not match:
            return self.get_response(request)
        request.get_host()  # refuses unknown hosts, as CommonMiddleware does
        request.resolver_match = match
        response = match.func(request)
        if not getattr(response, "is_rendered", True):
            response.render()
        response.headers.setdefault("Content-Length", str(len(response.content)))
        return response
