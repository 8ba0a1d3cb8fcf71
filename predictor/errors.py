"""What may go wrong beside a refused input, in the product's own words; web/exceptions.py makes HTTP of it.

Raised by `versions` and `pricing`, and by whoever needs the database.
"""

from django.utils.translation import gettext_lazy as _


class Unavailable(Exception):
    """No price now. `message` is for whoever asked; `wait`: in how many seconds to ask again."""

    message = _("The database does not answer. Try again later.")
    wait = 2


class NoLiveForest(Unavailable):
    """No version of the asked scheme is live and loaded."""

    message = _("No model of this scheme is live. Try again later.")


class HistoryUnavailable(Unavailable):
    """The record could not be written, so no price may leave."""

    message = _("The price could not be recorded, so it is not given. Try again later.")
