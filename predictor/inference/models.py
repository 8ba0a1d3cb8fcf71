"""What the protocol is told of the models: a model a scheme, its inputs and its outputs."""

import json

from ml.stones import GRADES, SCHEMES
from predictor.pricing.answers import INFERENCE, NUMBER, TEXT, WHOLE, columns_of

from .tensors import BYTES, Tensor

COMPARABLES = "comparables"


DATATYPES = {WHOLE: "INT64", NUMBER: "FP64", TEXT: BYTES}
OUTPUTS = columns_of(INFERENCE)
"""{name: Field}. Warnings and comparables are JSON; comparables are worked out where they are asked for
by name."""

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
            {"name": name, "datatype": DATATYPES[field.type], "shape": [-1]}
            for name, field in OUTPUTS.items()
        ],
    }


def outputs_of(predictions, names):
    """The Tensors of recorded Predictions that were asked for."""
    return [
        Tensor(
            name,
            DATATYPES[OUTPUTS[name].type],
            [_element(OUTPUTS[name].value(prediction)) for prediction in predictions],
        )
        for name in names
    ]


def _element(value):
    """A value as an element of a tensor: lists are JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
