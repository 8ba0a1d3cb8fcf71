"""The protocol's metadata of the models: each scheme is a model with its inputs and outputs."""

import json

from ml.stones import GRADES, SCHEMES
from predictor.pricing.answers import INFERENCE, NUMBER, TEXT, WHOLE, columns_of

from .tensors import BYTES, Tensor

COMPARABLES = "comparables"


DATATYPES = {WHOLE: "INT64", NUMBER: "FP64", TEXT: BYTES}
OUTPUTS = columns_of(INFERENCE)
"""{name: Field}. Warnings and comparables are JSON; comparables are only computed if a request
names them."""

DEFAULT = [name for name in OUTPUTS if name != COMPARABLES]


def datatype_of(name, scheme):
    """The datatype in a parameter's metadata; requests may use any other that holds its values."""
    if name in GRADES:
        return "INT64" if scheme == "coded" else BYTES
    return "FP64"


def metadata(scheme, number):
    """The protocol's metadata of a scheme's active version."""
    return {
        "name": scheme,
        "versions": [str(number)],
        "platform": "diamonds",
        "inputs": [
            {"name": name, "datatype": datatype_of(name, scheme), "shape": [-1]}
            for name in SCHEMES[scheme]
        ],
        "outputs": [
            {"name": name, "datatype": DATATYPES[field.type], "shape": [-1]}
            for name, field in OUTPUTS.items()
        ],
    }


def outputs_of(predictions, names):
    """The requested Tensors of recorded Predictions."""
    return [
        Tensor(
            name,
            DATATYPES[OUTPUTS[name].type],
            [
                _element(OUTPUTS[name].value(prediction, prediction.version))
                for prediction in predictions
            ],
        )
        for name in names
    ]


def _element(value):
    """A value as an element of a tensor; lists become JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
