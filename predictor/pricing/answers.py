"""A recorded prediction as the API gives it: its JSON object."""

from ml.stones import COVERAGE
from predictor.wording.sentences import sentence


def as_json(prediction):
    """The API's answer to one stone."""
    answer = {
        "features": prediction.features,
        "predicted_price": prediction.predicted_price,
        "price_range": {
            "low": prediction.low_usd,
            "high": prediction.high_usd,
            "coverage": COVERAGE,
        },
        "price_per_carat": prediction.price_per_carat,
        "warnings": [{**warning, "message": sentence(warning)} for warning in prediction.warnings],
        "model": {"scheme": prediction.scheme, "version": prediction.version.number},
        "id": str(prediction.id),
        "url": prediction.get_absolute_url(),
    }
    if prediction.comparables is not None:
        answer["comparables"] = prediction.comparables
    return answer
