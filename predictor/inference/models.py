"""What the protocol is told of the models: a model a scheme, its inputs and its outputs."""

import json

from ml.stones import GRADES, SCHEMES
from predictor.pricing.answers import as_json

from .tensors import BYTES, Tensor

COMPARABLES = "comparables"


def _text_of(values):
    return json.dumps(values, ensure_ascii=False)


OUTPUTS = {
    "predicted_price": ("INT64", lambda answer: answer["predicted_price"]),
    "low": ("INT64", lambda answer: answer["price_range"]["low"]),
    "high": ("INT64", lambda answer: answer["price_range"]["high"]),
    "price_per_carat": ("FP64", lambda answer: answer["price_per_carat"]),
    "currency": (BYTES, lambda answer: answer["currency"]),
    "price_year": ("INT64", lambda answer: answer["price_year"]),
    "warnings": (BYTES, lambda answer: _text_of(answer["warnings"])),
    "id": (BYTES, lambda answer: answer["id"]),
    "url": (BYTES, lambda answer: answer["url"]),
    COMPARABLES: (BYTES, lambda answer: _text_of(answer[COMPARABLES])),
}
"""{name: (datatype, its value of an answer of the API)}. Warnings and comparables are JSON; comparables
are worked out where they are asked for by name."""

DEFAULT = [name for name in OUTPUTS if name != COMPARABLES]


def datatype_of(name, scheme):
    """The datatype that a parameter is announced with; any other that holds its values is taken."""
    if name in GRADES:
        return "INT64" if scheme == "coded" else BYTES
    return "FP64"


def metadata(scheme, number):
    """The protocol's description of a scheme's live version."""
    return {
        "name": scheme,
        "versions": [str(number)],
        "platform": "diamonds",
        "inputs": [
            {"name": name, "datatype": datatype_of(name, scheme), "shape": [-1]}
            for name in SCHEMES[scheme]
        ],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": [-1]}
            for name, (datatype, _) in OUTPUTS.items()
        ],
    }


def outputs_of(predictions, names):
    """The Tensors of recorded Predictions that were asked for."""
    answers = [as_json(prediction) for prediction in predictions]
    return [
        Tensor(name, OUTPUTS[name][0], [OUTPUTS[name][1](answer) for answer in answers])
        for name in names
    ]
