"""A recorded prediction as the API gives it: its JSON object."""

from ml.stones import COVERAGE
from predictor.wording.figures import in_currency

from .warnings import sentence


def as_json(prediction):
    """The API's answer to one stone."""
    answer = {
        "features": prediction.features,
        "predicted_price": prediction.predicted_price,
        "price_range": {
            "low": prediction.whole_low,
            "high": prediction.whole_high,
            "coverage": None if prediction.is_extrapolated else COVERAGE,
        },
        "price_per_carat": prediction.price_per_carat,
        "currency": prediction.version.currency,
        "price_year": prediction.version.price_year,
        "warnings": _told(prediction) if prediction.warnings else [],
        "model": {"scheme": prediction.scheme, "version": prediction.version.number},
        "id": str(prediction.id),
        "url": prediction.get_absolute_url(),
    }
    if prediction.asking is not None:
        answer["asking"] = {
            "price": prediction.asking,
            "percentile": prediction.percentile,
            "verdict": prediction.verdict,
        }
    if prediction.comparables is not None:
        answer["comparables"] = prediction.comparables
    return answer


def _told(prediction):
    """The warnings with their sentences, amounts in the answer's currency."""
    with in_currency(prediction.version.currency):
        return [{**warning, "message": sentence(warning)} for warning in prediction.warnings]
