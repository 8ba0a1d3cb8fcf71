"""A recorded prediction as its readers see it: the API's JSON object and the warnings' sentences."""

from django.utils.translation import gettext as _

from ml.stones import COVERAGE, MEASURES


def as_json(prediction):
    """The API's answer to one stone."""
    return {
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


def sentence(warning):
    """A recorded warning in the reader's language."""
    templates = {
        "outside_training_range": _(
            "{field} {value:g} {unit} is outside what the model was trained on: "
            "{low:g} to {high:g} {unit}."
        ),
        "depth_disagrees": _("depth {value:g} % disagrees with x, y, z, which give {expected:g} %."),
        "carat_disagrees": _(
            "carat {value:g} is {percent:+d} % off the {expected:g} ct usual for this volume."
        ),
    }
    unit = MEASURES[warning["field"]].unit
    return templates[warning["code"]].format(unit=unit, **warning)
