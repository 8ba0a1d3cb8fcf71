"""The protocol's tensors: read from JSON or from the bytes after it, and written either way.

Tensors here are columns: of shape [n] or [n, 1], a value a stone.
https://github.com/kserve/open-inference-protocol, and its binary tensor data extension.
"""

import struct
from dataclasses import dataclass

import numpy as np

from predictor.pricing.serializers import MAX_STONES, too_many

NUMBERS = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
"""The datatypes of a fixed size, and numpy's names of them in the byte order of the protocol."""

LIMITS = {
    name: (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    for name, kind in NUMBERS.items()
    if "INT" in name
}
"""The lowest and the highest value of each integer datatype."""

BYTES = "BYTES"
MOST_QUOTED = 40


class TensorError(ValueError):
    """A tensor that cannot be read; the message has its name and the reason."""


@dataclass(frozen=True)
class Tensor:
    """A column: its values as Python's own types (numbers, bool, str)."""

    name: str
    datatype: str
    values: list


def read(request, buffers, columns, others=()):
    """The Tensors of an inference request, of up to MAX_STONES values each; TensorError.

    request: its JSON, an object. buffers: a memoryview of the bytes after the JSON. columns, others: the
    allowed names, which also bound the number of tensors; a message names the columns.
    """
    sent = request.get("inputs")
    if not isinstance(sent, list) or not sent:
        raise TensorError("inputs: give a list of tensors")
    tensors = {}
    for place, one in enumerate(sent):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise TensorError(f"inputs[{place}]: give an object with a name")
        name = one["name"]
        if name in tensors:
            raise TensorError(f"input {quoted(name)} appears twice")
        if name not in columns and name not in others:
            raise TensorError(f"there is no input {quoted(name)}; there are {', '.join(columns)}")
        tensors[name], buffers = _read_one(one, buffers)
    if buffers:
        raise TensorError(f"{len(buffers)} bytes follow the last tensor")
    return [*tensors.values()]


def quoted(value):
    """A value of the request as an error message shows it."""
    if isinstance(value, list) and (
        len(value) > 4 or any(isinstance(v, list | dict) for v in value)
    ):
        return "[…]"
    if isinstance(value, dict) and value:
        return "{…}"
    text = ascii(value[:MOST_QUOTED] if isinstance(value, str) else value)
    is_whole = len(text) <= MOST_QUOTED and not (
        isinstance(value, str) and len(value) > MOST_QUOTED
    )
    return text if is_whole else f"{text[:MOST_QUOTED]}…"


def _read_one(one, buffers):
    name, datatype = one["name"], one.get("datatype")
    where = f"input {quoted(name)}"
    if not isinstance(datatype, str) or datatype not in (*NUMBERS, BYTES):
        known = ", ".join([*NUMBERS, BYTES])
        raise TensorError(f"{where}: its datatype is {quoted(datatype)}; there are {known}")
    count = _count(one.get("shape"), where)
    size = _size_of_buffer(one, where)
    if size is None:
        return Tensor(name, datatype, _from_json(one, datatype, count, where)), buffers
    if size > len(buffers):
        raise TensorError(f"{where}: {size} bytes announced, {len(buffers)} are left")
    values = _from_bytes(buffers[:size], datatype, count, where)
    return Tensor(name, datatype, values), buffers[size:]


def _count(shape, where):
    """The number of stones in a shape."""
    whole = (
        isinstance(shape, list)
        and len(shape) in (1, 2)
        and all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
    )
    if not whole or shape[0] < 0 or shape[1:] not in ([], [1]):
        raise TensorError(f"{where}: its shape is {quoted(shape)}; use [n] or [n, 1]")
    if shape[0] > MAX_STONES:
        raise TensorError(too_many(shape[0]))
    return shape[0]


def _size_of_buffer(one, where):
    """The size in bytes of a tensor that is not in the JSON; None for one that is."""
    parameters = one.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise TensorError(f"{where}: its parameters must be an object")
    size = (parameters or {}).get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise TensorError(
            f"{where}: its binary_data_size is {quoted(size)}; give a number of bytes"
        )
    if "data" in one:
        raise TensorError(f"{where}: has both data and binary_data_size")
    return size


def _from_json(one, datatype, count, where):
    data = one.get("data")
    if not isinstance(data, list):
        raise TensorError(f"{where}: its data must be a list")
    if len(data) == count and all(isinstance(value, list) and len(value) == 1 for value in data):
        data = [value for [value] in data]
    if len(data) != count:
        raise TensorError(f"{where}: {len(data)} values, its shape is of {count}")
    for value in data:
        if not _fits(value, datatype):
            raise TensorError(f"{where}: {quoted(value)} is not a valid {datatype}")
    return data


def _fits(value, datatype):
    """Whether a JSON value fits a datatype."""
    if datatype == BYTES:
        return isinstance(value, str)
    if datatype == "BOOL":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if datatype.startswith("FP"):
        return True
    low, high = LIMITS[datatype]
    return low <= value <= high and value == int(value)


def _from_bytes(buffer, datatype, count, where):
    if datatype == BYTES:
        return _texts(buffer, count, where)
    kind = np.dtype(NUMBERS[datatype])
    if len(buffer) != count * kind.itemsize:
        raise TensorError(
            f"{where}: {len(buffer)} bytes, {count} values of {datatype} are {count * kind.itemsize}"
        )
    numbers = np.frombuffer(buffer, kind)
    if datatype in ("FP16", "FP32"):  # 0.7, not 0.699999988: as the sender would write it
        return [float(str(number)) for number in numbers]
    return numbers.tolist()


def _texts(buffer, count, where):
    """Decodes elements, each of which is a length in four bytes and then that many bytes of UTF-8."""
    values, at = [], 0
    while at < len(buffer):
        if at + 4 > len(buffer):
            raise TensorError(f"{where}: ends in the middle of a length")
        [size] = struct.unpack_from("<I", buffer, at)
        at += 4 + size
        if at > len(buffer):
            raise TensorError(f"{where}: ends in the middle of an element")
        try:
            values.append(bytes(buffer[at - size : at]).decode())
        except UnicodeDecodeError:
            raise TensorError(f"{where}: element {len(values)} is not UTF-8") from None
        if len(values) > count:
            raise TensorError(f"{where}: more elements than its shape is of, {count}")
    if len(values) != count:
        raise TensorError(f"{where}: {len(values)} elements, its shape is of {count}")
    return values


def as_json(tensor):
    """(an output with its values in the JSON, no bytes)."""
    return _described(tensor) | {"data": tensor.values}, b""


def as_bytes(tensor):
    """(an output for the JSON, its values as the bytes after it)."""
    if tensor.datatype == BYTES:
        texts = [text.encode() for text in tensor.values]
        content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        content = np.array(tensor.values, NUMBERS[tensor.datatype]).tobytes()
    return _described(tensor) | {"parameters": {"binary_data_size": len(content)}}, content


def _described(tensor):
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [len(tensor.values)]}
