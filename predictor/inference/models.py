"""The protocol's metadata of the models: each scheme is a model with its inputs and outputs."""

import json

from ml.stones import GRADES
from ml.vocabulary import OPTIONAL
from predictor.pricing.answers import INFERENCE, NUMBER, TEXT, WHOLE, columns_of
from predictor.pricing.serializers import validators_of

from .tensors import BYTES, Tensor

DATATYPES = {WHOLE: "INT64", NUMBER: "FP64", TEXT: BYTES}
OUTPUTS = columns_of(INFERENCE)
"""{name: Field}. Warnings, assumed grades, the recorded stone and comparables are JSON; comparables and
receipts are only made if a request names them."""

DEFAULT = [name for name, field in OUTPUTS.items() if not field.needs]


def datatype_of(name, scheme):
    """The datatype in a parameter's metadata; requests may use any other that holds its values."""
    if name in OPTIONAL:
        return BYTES
    if name in GRADES:
        return "INT64" if scheme == "coded" else BYTES
    return "FP64"


def metadata(model):
    """The protocol's metadata of a LiveModel, with its optional inputs."""
    scheme, number = model.version.scheme, model.version.number
    return {
        "name": scheme,
        "versions": [str(number)],
        "platform": "diamonds",
        "inputs": [
            {"name": name, "datatype": datatype_of(name, scheme), "shape": [-1]}
            for name in validators_of(model.forest, number)[scheme].fields
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
    """A value as an element of a tensor; lists and objects become JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
