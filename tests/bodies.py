"""The most expensive request bodies of each route: tests/web/test_bodies.py checks that their cost
is bounded."""

import gzip
import json
from dataclasses import dataclass, field
from urllib.parse import quote

from ml.stones import EXAMPLES, SCHEMES
from predictor.pricing.serializers import MAX_STONES

GRADED, CODED = EXAMPLES["graded"][0], EXAMPLES["coded"][0]
MOST = 2 * 1024 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
BINARY = "application/octet-stream"


@dataclass(frozen=True)
class Body:
    """A request: its path, body, content type and headers."""

    path: str
    content: bytes
    content_type: str = JSON
    headers: dict = field(default_factory=dict)

    def packed(self):
        """The same request with its body compressed: decompressing is part of its cost."""
        packed = gzip.compress(self.content)
        return Body(
            self.path, packed, self.content_type, {**self.headers, "Content-Encoding": "gzip"}
        )


def filled(piece, start="", end=""):
    """Nearly 2 MB: a piece repeated between a start and an end."""
    start, piece, end = (one.encode("utf-8", "surrogatepass") for one in (start, piece, end))
    times = (MOST - len(start) - len(end)) // len(piece)
    return start + times * piece + end


def listed(piece):
    """A JSON list of nearly 2 MB."""
    return filled(piece + ",", "[", "0]")


def stones(one=None, count=MAX_STONES):
    """A list of stones, each slightly heavier than the one before."""
    some = [{**GRADED, "carat": round(0.68 + place / 25_000, 5)} for place in range(count)]
    return json.dumps([stone | (one(place) if one else {}) for place, stone in enumerate(some)])


def ordinary():
    """A list of 1,000 stones."""
    return Body("/api/predict", stones().encode())


def every(value, names=SCHEMES["graded"]):
    """A list of stones with the same value in every field."""
    return json.dumps([dict.fromkeys(names, value)] * MAX_STONES).encode()


def strangers(place):
    """Names that resemble those of parameters."""
    return {f"carat{place}{number}clarity{number}depth": 1 for number in range(20)}


def predict_bodies():
    """{description: the body of a POST to /api/predict}"""
    return {
        "numbers for stones": listed("0"),
        "empty objects": listed("{}"),
        "objects without names": listed('{"":0}'),
        "exponents": listed("1e1"),
        "long numbers": listed("9" * 199),
        "longer numbers": listed("9" * 299),
        "one number": filled("9", "1"),
        "one fraction": filled("7", "0."),
        "texts": listed('""'),
        "one text": filled("a", '"', '"'),
        "one escaped text": filled("\\ud800", '"', '"'),
        "blanks": filled(" "),
        "brackets": filled("["),
        "lists within lists": listed("[" * 300 + "]" * 300),
        "names without end": filled('"carat":1,', "{", '"x":1}'),
        "unknown names": json.dumps({f"carat{place}": 1 for place in range(120_000)}).encode(),
        "what is not UTF-8": b"\xff" * (MOST - 1),
        "NULs": b"\0" * (MOST - 1),
        "stones with unknown names": stones(strangers).encode(),
        "stones of texts": every("x" * 199),
        "stones of long texts": every("x" * 210),
        "stones of nothing": every(None),
        "stones of lists": every([1] * 90),
        "stones of objects": every({"a": 1}),
        "stones of codes": every("9", SCHEMES["coded"]),
        "stones of huge numbers": every(10**199),
        "stones of blanks": every(" " * 199),
        "impossible stones": stones(lambda place: {"carat": 25}).encode(),
        "unusual stones": stones(lambda place: {"carat": 0.4, "depth": 40, "table": 95}).encode(),
        "stones of the other scheme": json.dumps([CODED] * MAX_STONES).encode(),
        "stones of both schemes": json.dumps([CODED, GRADED] * (MAX_STONES // 2)).encode(),
    }


def tensor(name, datatype, count, **more):
    return {"name": name, "datatype": datatype, "shape": [count], **more}


def infer(content, buffers=b"", scheme="graded"):
    head = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))} if buffers else {}
    return Body(f"/v2/models/{scheme}/infer", head + buffers, BINARY, headers)


def packed_numbers(datatype, size, count):
    """A request with binary tensors: `count` numbers of `size` bytes each, over all tensors."""
    names = SCHEMES["graded"]
    count //= len(names)
    own = {"parameters": {"binary_data_size": count * size}}
    return infer(
        {"inputs": [tensor(name, datatype, count, **own) for name in names]},
        bytes(count * size) * len(names),
    )


def in_json(values, **more):
    """Nine tensors with their values in JSON."""
    return {
        "inputs": [
            tensor(name, "BYTES" if isinstance(GRADED[name], str) else "FP64", len(values(name)))
            | {"data": values(name)}
            for name in SCHEMES["graded"]
        ],
        **more,
    }


def of_stones(count=MAX_STONES):
    return lambda name: [GRADED[name]] * count


COMPARABLES = "/api/predict?include=comparables&k="
ALL = [{"name": "comparables"}]


def infer_bodies():
    """{description: a Body for /v2/models/…/infer}"""
    return {
        "whole numbers in bytes": packed_numbers("INT64", 8, 230_000),
        "short numbers in bytes": packed_numbers("FP16", 2, 900_000),
        "texts in bytes": packed_numbers("BYTES", 4, 400_000),
        "whole numbers in JSON": infer(
            {"inputs": [tensor("carat", "INT64", 900_000, data=[0] * 900_000)]}
        ),
        "more stones than are taken": infer(in_json(of_stones(30_000))),
        "many tensors": infer(
            {
                "inputs": [
                    tensor(f"x{place}", "INT8", 1, parameters={"binary_data_size": 1})
                    for place in range(12_000)
                ]
            },
            bytes(12_000),
        ),
        "a tensor again and again": infer(
            {"inputs": [tensor("carat", "INT8", 1, data=[1])] * 12_000}
        ),
        "a list for each value": infer(in_json(lambda name: [[GRADED[name]]] * MAX_STONES)),
        "outputs again and again": infer(
            {**in_json(of_stones(1)), "outputs": [{"name": "low"}] * 90_000}
        ),
        "a shape without end": infer(
            {"inputs": [tensor("carat", "INT8", 1) | {"shape": [1] * 900_000}]}
        ),
        "a long id": infer({**in_json(of_stones(1)), "id": "x" * 2_000_000}),
        "a list for k": infer(
            {**in_json(of_stones(1)), "outputs": ALL, "parameters": {"k": [1] * 600_000}}
        ),
        "long texts": infer(in_json(lambda name: ["x" * 200] * MAX_STONES)),
        "a text that is too long": infer(in_json(lambda name: ["x" * 200_000])),
        "a list of stones": infer(in_json(of_stones())),
        "a list of stones, in bytes": infer(
            in_json(of_stones(), parameters={"binary_data_output": True})
        ),
    }


def form(**fields):
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def parts(count, content="x", name="carat", more=""):
    """A multipart form."""
    one = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'
    return (one * count + "--b--\r\n").encode()


def fields_of(text):
    names = ["shape", *SCHEMES["graded"]]
    text = quote(text, safe="") if len(text) < 1000 else text
    return form(scheme="graded", **dict.fromkeys(names, text))


def form_bodies():
    """{description: (body, content type) of a POST to a page}"""
    return {
        "one field": (filled("a", "carat="), FORM),
        "one field of escapes": (filled("%41", "carat="), FORM),
        "one field of plus signs": (filled("+", "carat="), FORM),
        "one field of what is not UTF-8": (filled("%ff", "carat="), FORM),
        "one name": (filled("a"), FORM),
        "ampersands": (filled("&"), FORM),
        "many fields": (filled("carat=1&"), FORM),
        "a thousand fields": ("&".join([f"c{n}={'%41' * 690}" for n in range(990)]).encode(), FORM),
        "blanks in every field": (fields_of("5" + "+" * 200_000 + "z"), FORM),
        "digits in every field": (fields_of("9" * 200_000), FORM),
        "one part": (parts(1, "x" * (MOST - 200)), PARTS),
        "one part of what is not UTF-8": (
            parts(1, "\0" * (MOST - 200)).replace(b"\0", b"\xff"),
            PARTS,
        ),
        "many parts": (parts(20_000), PARTS),
        "a thousand parts": (parts(990), PARTS),
        "many empty files": (parts(20_000, more='; filename="a"'), PARTS),
        "ninety files": (parts(90, "x" * 20_000, more='; filename="a"'), PARTS),
        "a part with a long head": (
            parts(1, more='; filename="' + "a" * 1_000_000 + '"'),
            PARTS,
        ),
        "a part with many parameters": (parts(1, more="; a=b" * 200_000), PARTS),
        "a part in base64": (
            b'--b\r\nContent-Disposition: form-data; name="carat"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 500_000 + b"\r\n--b--\r\n",
            PARTS,
        ),
        "line ends": (b"\r\n" * (MOST // 2 - 1), PARTS),
        "boundaries": (b"\r\n--b" * (MOST // 5 - 1), PARTS),
        "hyphens": (b"--" * (MOST // 2 - 1), PARTS),
    }


PAGES = ["/", "/preview/", "/file/", "/admin/login/", "/i18n/setlang/", "/quotes/forget/"]
"""The pages that accept a body without log-in, each handled by different code."""


def bodies():
    """{description: Body} for all routes; compressed where the route accepts compressed bodies."""
    forms = form_bodies()
    plain = {
        **{
            f"predict: {what}": Body("/api/predict", body)
            for what, body in predict_bodies().items()
        },
        "predict: 50 comparables each": Body(f"{COMPARABLES}50", stones().encode()),
        "predict: 5 comparables each": Body(f"{COMPARABLES}5", stones().encode()),
        "predict: 50 comparables of 100": Body(f"{COMPARABLES}50", stones(count=100).encode()),
        **{f"infer: {what}": body for what, body in infer_bodies().items()},
        "infer: 5 comparables each": infer(in_json(of_stones(), outputs=ALL)),
    }
    pages = {f"{path}: {what}": Body(path, *body) for path in PAGES for what, body in forms.items()}
    return {what: body.packed() for what, body in plain.items()} | pages
