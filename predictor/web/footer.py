"""A context processor: what every page says about the prices and the stones."""

from django.utils.timezone import localdate

from predictor.versions.live import registry


def prices_of_today(request):
    """Whether the active graded version's prices are of this year, and whether it is of an own list; causes
    no query."""
    graded = registry.loaded().get("graded")
    return {
        "prices_of_today": bool(graded) and graded.version.price_year >= localdate().year,
        "of_own_list": bool(graded) and graded.version.vocabulary is not None,
    }
