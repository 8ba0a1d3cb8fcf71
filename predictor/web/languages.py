"""Chooses the language of a response."""

from django.conf import settings
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation import trans_real


class LanguageMiddleware(LocaleMiddleware):
    """Django's, with a fallback for readers who accept none of the site's languages.

    A chosen language comes first, then one of the site's that the browser names. Browsers that name
    only other languages get FALLBACK_LANGUAGE, those that name none DEFAULT_LANGUAGE.
    """

    def process_request(self, request):
        super().process_request(request)
        if _is_foreign(request):
            translation.activate(settings.FALLBACK_LANGUAGE)
            request.LANGUAGE_CODE = translation.get_language()


def _is_foreign(request):
    if _is_ours(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)):
        return False
    header = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    named = [code for code, _ in trans_real.parse_accept_lang_header(header) if code != "*"]
    return bool(named) and not any(map(_is_ours, named))


def _is_ours(code):
    try:
        return bool(translation.get_supported_language_variant(code))
    except LookupError:
        return False
