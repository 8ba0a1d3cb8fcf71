"""The model card of a version: what it is for, how it was made, how reliable it is.

Called by the page and by the command `model_card`. Every figure was stored by training.
"""

from django.utils.translation import gettext as _

from predictor.model_cards import coherence, origin, trust
from predictor.model_cards.blocks import Card
from predictor.wording.figures import in_currency
from predictor.wording.labels import SCHEME_TITLES

FORMAT = 1
"""The format of stored figures that this release reads; a card without one or with another says so."""


MEASURED = (
    trust.agreement,
    trust.calibration,
    trust.tenths,
    coherence.conditional,
    trust.bands,
    trust.support,
    coherence.coherence,
    trust.importance,
)


def build(version):
    """The Card of a ModelVersion, in the active language. Causes one query."""
    with in_currency(version.currency):
        return _build(version)


def _build(version):
    stored = version.card if version.card.get("format") == FORMAT else None
    sections = [
        origin.use(version),
        origin.model(version, stored),
        origin.data(version, stored),
        trust.scores(version, stored),
        *([part(stored) for part in MEASURED] if stored else []),
        origin.origin(version),
    ]
    scheme = SCHEME_TITLES[version.scheme]
    title = _("Model card: {scheme}, version {number}")
    return Card(title.format(scheme=scheme, number=version.number), sections)
