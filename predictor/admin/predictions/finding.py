"""What is typed into the search box of the predictions: the beginning of an id, a client, a price, or words
of the request. Each says which index finds its rows, as a filter does."""

from dataclasses import dataclass
from string import hexdigits
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from ml.stones import PRICE, bounded
from ml.tables.amounts import readings, without_currency
from predictor.admin.predictions.filters import PRIMARY_KEY, SEARCHED, Index
from predictor.wording.figures import number

BEGINNING, WHOLE = 8, 32
"""Digits of an id's beginning, about a minute of the history, and of a whole id."""

MOST_WORDS = 5
WORDS_INDEX = "prediction_request_words"
"""A trigram index that an operator may add on PostgreSQL; docs/operations.md says how."""

SHORTEST = 3
"""Characters of a word that a trigram index finds."""


@dataclass(frozen=True)
class Search:
    """A search, in words. found: the condition of its rows; newest, oldest: the range of their ids, if any;
    words: those looked for in the request."""

    text: str
    found: Q
    index: Index | None = SEARCHED
    newest: UUID | None = None
    oldest: UUID | None = None
    words: tuple = ()

    def rows(self, rows):
        """The rows of a queryset of Predictions that it finds."""
        return rows.filter(self.found)

    def has_index(self):
        """Whether an index of this database finds its rows."""
        if self.index is None or self.index.only_on not in ("", connection.vendor):
            return False
        return self.index.name != WORDS_INDEX or self._is_in_trigrams()

    def _is_in_trigrams(self):
        if max(map(len, self.words)) < SHORTEST:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", [WORDS_INDEX])
            return cursor.fetchone() is not None


def search_of(typed, rows):
    """The Search for a text; None for an empty one. rows: all Predictions, to look for a client in."""
    typed = bounded(typed).strip().replace("\x00", "")  # PostgreSQL takes no NUL
    if not typed:
        return None
    return _by_id(typed) or _by_client(typed, rows) or _by_price(typed) or _by_words(typed)


def _by_id(typed):
    digits = typed.replace("-", "").lower()
    if not BEGINNING <= len(digits) <= WHOLE or not {*digits} <= {*hexdigits}:
        return None
    oldest, newest = (UUID(digits.ljust(WHOLE, end)) for end in "0f")
    text = _("whose ID begins with “{typed}”").format(typed=typed)
    found = Q(pk__gte=oldest, pk__lte=newest)
    return Search(text, found, Index(PRIMARY_KEY), newest, oldest)


def _by_client(typed, rows):
    found = Q(client=typed) & ~Q(client="")  # the index leaves out rows without one
    if not rows.order_by().filter(found).exists():
        return None
    text = _("of the client “{typed}”").format(typed=typed)
    return Search(text, found, Index("prediction_client"))


def _by_price(typed):
    if (price := _whole(typed)) is None:
        return None
    text = _("whose price is {price}").format(price=number(price))
    found = Q(price__gte=price, price__lt=price + 1)
    return Search(text, found, Index("prediction_price", only_on="postgresql"))


def _whole(typed):
    """A price as typed, with or without thousands and a currency sign; None for other text."""
    amounts = [float(one) for one in readings(without_currency(typed)[0]).values()]
    whole = [int(one) for one in amounts if one <= PRICE.high and one == int(one)]
    return max(whole, default=None)


def _by_words(typed):
    words = tuple(typed.split()[:MOST_WORDS])
    text = _("whose request has “{typed}”").format(typed=" ".join(words))
    found = Q(*(Q(request__icontains=word) for word in words))
    return Search(text, found, Index(WORDS_INDEX, only_on="postgresql"), words=words)
