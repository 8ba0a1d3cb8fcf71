"""Prices by the Open Inference Protocol: the request, the response, and the recorded row."""

import json
import struct

import numpy as np
import pytest
from django.conf import settings
from django.urls import reverse

from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Prediction
from predictor.versions.activation import activate

pytestmark = pytest.mark.usefixtures("live_models")

GRADED, CODED = EXAMPLES["graded"][0], EXAMPLES["coded"][0]


def tensor(name, values, datatype=None, shape=None):
    kinds = {str: "BYTES", int: "INT64", float: "FP64"}
    datatype = datatype or kinds[type(values[0])]
    return {"name": name, "shape": shape or [len(values)], "datatype": datatype, "data": values}


def inputs(*stones):
    return [tensor(name, [stone[name] for stone in stones]) for name in stones[0]]


def infer(client, content, scheme="graded", **headers):
    body = content if isinstance(content, bytes) else json.dumps(content)
    return client.post(f"/v2/models/{scheme}/infer", body, "application/json", headers=headers)


def outputs(response):
    assert response.status_code == 200, response.content
    return {one["name"]: one["data"] for one in response.json()["outputs"]}


class TestJson:
    @pytest.mark.parametrize(("scheme", "stone"), [("graded", GRADED), ("coded", CODED)])
    def test_one_stone_is_answered_as_by_the_api_and_recorded(self, client, scheme, stone):
        response = infer(client, {"id": "42", "inputs": inputs(stone)}, scheme)
        found, row = outputs(response), Prediction.objects.get()
        answer = client.get(reverse("predict"), stone).json()
        assert {name: response.json()[name] for name in ("model_name", "model_version", "id")} == {
            "model_name": scheme,
            "model_version": "1",
            "id": "42",
        }
        assert found["predicted_price"] == [answer["predicted_price"]]
        assert (found["low"], found["high"]) == (
            [answer["price_range"]["low"]],
            [answer["price_range"]["high"]],
        )
        assert found["price_per_carat"] == [answer["price_per_carat"]]
        assert json.loads(found["warnings"][0]) == answer["warnings"]
        assert (found["currency"], found["price_year"]) == (["USD"], [2008])
        assert (found["id"], found["url"]) == ([str(row.id)], [f"/quotes/{row.id}/"])
        assert (row.source, row.scheme, row.status, row.features) == ("api", scheme, 200, stone)
        assert json.loads(row.request) == stone
        assert "comparables" not in found

    def test_several_stones_are_one_batch(self, client):
        stones = [GRADED, GRADED | {"carat": 0.72}, GRADED | {"cut": "Fair"}]
        found = outputs(infer(client, {"inputs": inputs(*stones)}))
        rows = list(Prediction.objects.order_by("pk"))
        assert found["predicted_price"] == [row.predicted_price for row in rows]
        assert [row.features for row in rows] == stones
        assert {row.source for row in rows} == {"batch"}

    def test_outputs_and_comparables_by_name(self, client):
        content = {
            "inputs": inputs(GRADED, GRADED),
            "parameters": {"k": 3},
            "outputs": [{"name": "comparables"}, {"name": "low"}],
        }
        found = outputs(infer(client, content))
        assert list(found) == ["comparables", "low"]
        comparables = [json.loads(text) for text in found["comparables"]]
        assert [len(some) for some in comparables] == [3, 3]
        assert comparables[0][0]["weight"] > 0

    @pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64", "INT8", "UINT16", "INT64"])
    def test_a_number_may_be_of_any_datatype_that_holds_it(self, client, datatype):
        whole = GRADED | {"table": 56}
        sent = [
            one | ({"datatype": datatype} if one["name"] == "table" else {})
            for one in inputs(whole)
        ]
        infer(client, {"inputs": sent})
        assert Prediction.objects.get().features == GRADED

    def test_columns_as_a_matrix_of_one(self, client):
        sent = [one | {"shape": [1, 1], "data": [one["data"]]} for one in inputs(GRADED)]
        assert outputs(infer(client, {"inputs": sent}))["predicted_price"]


class TestBinary:
    def body(self, stones, kinds, **more):
        described, buffers = [], []
        for name in stones[0]:
            values = [stone[name] for stone in stones]
            if isinstance(values[0], str):
                datatype = "BYTES"
                content = b"".join(struct.pack("<I", len(v.encode())) + v.encode() for v in values)
            else:
                datatype, kind = kinds
                content = np.array(values, kind).tobytes()
            described.append(
                {
                    "name": name,
                    "shape": [len(values)],
                    "datatype": datatype,
                    "parameters": {"binary_data_size": len(content)},
                }
            )
            buffers.append(content)
        head = json.dumps({"inputs": described, **more}).encode()
        return head + b"".join(buffers), str(len(head))

    @pytest.mark.parametrize("kinds", [("FP32", "<f4"), ("FP64", "<f8")])
    def test_both_ways(self, client, kinds):
        stones = [GRADED, GRADED | {"carat": 0.72}]
        body, length = self.body(stones, kinds, parameters={"binary_data_output": True})
        response = infer(client, body, inference_header_content_length=length)
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == "application/octet-stream"
        head = int(response["Inference-Header-Content-Length"])
        described, buffer = json.loads(response.content[:head])["outputs"], response.content[head:]
        rows = list(Prediction.objects.order_by("pk"))
        assert [row.features for row in rows] == stones  # 0.7, not 0.699999988
        price, size = described[0], described[0]["parameters"]["binary_data_size"]
        assert (price["name"], price["datatype"], price["shape"]) == (
            "predicted_price",
            "INT64",
            [2],
        )
        assert np.frombuffer(buffer[:size], "<i8").tolist() == [row.predicted_price for row in rows]
        assert len(buffer) == sum(one["parameters"]["binary_data_size"] for one in described)

    def test_one_output_as_bytes(self, client):
        asked = [{"name": "low", "parameters": {"binary_data": True}}, {"name": "currency"}]
        response = infer(client, {"inputs": inputs(GRADED), "outputs": asked})
        head = int(response["Inference-Header-Content-Length"])
        described = json.loads(response.content[:head])["outputs"]
        assert described[1]["data"] == ["USD"]
        assert np.frombuffer(response.content[head:], "<i8") == Prediction.objects.get().whole_low

    def test_output_that_is_to_stay_json(self, client):
        asked = [{"name": "low", "parameters": {"binary_data": False}}]
        content = {
            "inputs": inputs(GRADED),
            "outputs": asked,
            "parameters": {"binary_data_output": True},
        }
        assert "data" in infer(client, content).json()["outputs"][0]


def changed(**tensors):
    """The inputs of a graded stone with some replaced, or left out where None is given."""
    by_name = {one["name"]: one for one in inputs(GRADED)} | tensors
    return [one for one in by_name.values() if one is not None]


KINDS = "BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, FP32, FP64, BYTES"
REFUSED = {
    "no JSON": (
        b"{",
        "The body is not JSON: Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1).",
    ),
    "NaN": (
        json.dumps({"inputs": changed(x=tensor("x", [float("nan")]))}).encode(),
        "The body is not JSON: NaN is not allowed.",
    ),
    "a list": (b"[]", "give an object"),
    "nothing": ({}, "inputs: give a list of tensors"),
    "no list": ({"inputs": {}}, "inputs: give a list of tensors"),
    "a tensor that is none": ({"inputs": [7]}, "inputs[0]: give an object with a name"),
    "an id that is none": ({"id": 7, "inputs": inputs(GRADED)}, "id: must be a string"),
    "an id that cannot be repeated": (
        {"id": "a\ud800", "inputs": inputs(GRADED)},
        "id: 'a\\ud800' is not valid Unicode",
    ),
    "a long id": ({"id": "a" * 201, "inputs": inputs(GRADED)}, "id: over 200 characters"),
    "surrogates for a grade": (
        {"inputs": changed(cut=tensor("cut", ["\ud800"]))},
        "cut: “\\ud800” is not a cut grade: give one of Fair, Good, Very Good, Premium, Ideal.",
    ),
    "surrogates for a name": (
        {"inputs": changed(x=tensor("\ud800", [5.7]))},
        "there is no input '\\ud800'; there are carat, cut, color, clarity, depth, table, x, y, z",
    ),
    "parameters": ({"parameters": [], "inputs": inputs(GRADED)}, "parameters: must be an object"),
    "own parameters": (
        {"inputs": changed(x=tensor("x", [5.7]) | {"parameters": 7})},
        "input 'x': its parameters must be an object",
    ),
    "an unknown input": (
        {"inputs": changed(x=tensor("X", [5.7]))},
        "there is no input 'X'; there are carat, cut, color, clarity, depth, table, x, y, z",
    ),
    "one that is missing": ({"inputs": changed(x=None, y=None)}, "inputs are missing: x, y"),
    "one twice": ({"inputs": [*inputs(GRADED), tensor("x", [5.7])]}, "input 'x' appears twice"),
    "no datatype": (
        {"inputs": changed(x=tensor("x", [5.7]) | {"datatype": None})},
        f"input 'x': its datatype is None; there are {KINDS}",
    ),
    "an unknown datatype": (
        {"inputs": changed(x=tensor("x", [5.7], "FP80"))},
        f"input 'x': its datatype is 'FP80'; there are {KINDS}",
    ),
    "text for one": (
        {"inputs": changed(x=tensor("x", ["5.7"], "FP32"))},
        "input 'x': '5.7' is not a valid FP32",
    ),
    "a fraction": (
        {"inputs": changed(x=tensor("x", [5.7], "INT64"))},
        "input 'x': 5.7 is not a valid INT64",
    ),
    "too large": (
        {"inputs": changed(x=tensor("x", [300], "UINT8"))},
        "input 'x': 300 is not a valid UINT8",
    ),
    "true": (
        {"inputs": changed(x=tensor("x", [True], "INT8"))},
        "input 'x': True is not a valid INT8",
    ),
    "no shape": (
        {"inputs": changed(x=tensor("x", [5.7]) | {"shape": None})},
        "input 'x': its shape is None; use [n] or [n, 1]",
    ),
    "a wide shape": (
        {"inputs": changed(x=tensor("x", [5.7, 5.8], shape=[1, 2]))},
        "input 'x': its shape is [1, 2]; use [n] or [n, 1]",
    ),
    "a negative shape": (
        {"inputs": changed(x=tensor("x", [5.7], shape=[-1]))},
        "input 'x': its shape is [-1]; use [n] or [n, 1]",
    ),
    "a shape of texts": (
        {"inputs": changed(x=tensor("x", [5.7], shape=["1"]))},
        "input 'x': its shape is ['1']; use [n] or [n, 1]",
    ),
    "another length": (
        {"inputs": changed(x=tensor("x", [5.7], shape=[2]))},
        "input 'x': 1 values, its shape is of 2",
    ),
    "a billion rows": (
        {"inputs": changed(x=tensor("x", [5.7], shape=[10**9]))},
        "1000000000 stones: give at most 1000 in one request.",
    ),
    "different lengths": (
        {"inputs": changed(x=tensor("x", [5.7, 5.8]))},
        "the inputs are of different lengths: carat 1, cut 1, color 1, clarity 1, "
        "depth 1, table 1, x 2, y 1, z 1",
    ),
    "no stones": (
        {"inputs": [one | {"shape": [0], "data": []} for one in inputs(GRADED)]},
        "An empty list: give at least one stone.",
    ),
    "too many": (
        {"inputs": inputs(*[GRADED] * 1001)},
        "1001 stones: give at most 1000 in one request.",
    ),
    "an unknown output": (
        {"inputs": inputs(GRADED), "outputs": [{"name": "prize"}]},
        "there is no output 'prize'; there are predicted_price, low, high, "
        "price_per_carat, currency, price_year, warnings, id, url, assumed, recorded_stone, comparables, "
        "receipt",
    ),
    "outputs": (
        {"inputs": inputs(GRADED), "outputs": 7},
        "outputs: give a list of objects with a name each",
    ),
    "an output that is none": (
        {"inputs": inputs(GRADED), "outputs": [7]},
        "outputs: give a list of objects with a name each",
    ),
    "a name that is none": (
        {"inputs": inputs(GRADED), "outputs": [{"name": {}}]},
        "there is no output {}; there are predicted_price, low, high, "
        "price_per_carat, currency, price_year, warnings, id, url, assumed, recorded_stone, comparables, "
        "receipt",
    ),
    "its parameters": (
        {"inputs": inputs(GRADED), "outputs": [{"name": "low", "parameters": 7}]},
        "output low: its parameters must be an object",
    ),
    "a grade": (
        {"inputs": changed(cut=tensor("cut", ["Best"]))},
        "cut: “Best” is not a cut grade: give one of Fair, Good, Very Good, Premium, Ideal.",
    ),
    "k": (
        {"inputs": inputs(GRADED), "outputs": [{"name": "comparables"}], "parameters": {"k": 99}},
        "k: Give a whole number from 1 to 50, once.",
    ),
    "one of many": (
        {"inputs": inputs(GRADED, GRADED | {"x": 0.0})},
        "stone 1: x: “0.0” is out of bounds: give a number from 1 to 40 mm.",
    ),
    "bytes that are not there": (
        {
            "inputs": changed(
                x={
                    "name": "x",
                    "shape": [1],
                    "datatype": "FP64",
                    "parameters": {"binary_data_size": 8},
                }
            )
        },
        "input 'x': 8 bytes announced, 0 are left",
    ),
    "a size that is none": (
        {
            "inputs": changed(
                x={
                    "name": "x",
                    "shape": [1],
                    "datatype": "FP64",
                    "parameters": {"binary_data_size": -8},
                }
            )
        },
        "input 'x': its binary_data_size is -8; give a number of bytes",
    ),
    "both": (
        {"inputs": changed(x=tensor("x", [5.7]) | {"parameters": {"binary_data_size": 0}})},
        "input 'x': has both data and binary_data_size",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_names_it_and_is_recorded(client, what):
    content, says = REFUSED[what]
    response = infer(client, content)
    assert (response.status_code, response.json()) == (400, {"error": says})
    row = Prediction.objects.get()
    assert (row.status, row.price, row.source in ("api", "batch")) == (400, None, True)


BYTES = {
    "a size": ("FP64", b"\0" * 7, "input 'x': 7 bytes, 1 values of FP64 are 8"),
    "not a number": (
        "FP64",
        struct.pack("<d", float("nan")),
        "x: “NaN” is not a finite number: give a number from 1 to 40 mm.",
    ),
    "a length": ("BYTES", b"\0\0", "input 'x': ends in the middle of a length"),
    "an element": (
        "BYTES",
        struct.pack("<I", 9) + b"5.7",
        "input 'x': ends in the middle of an element",
    ),
    "a huge one": (
        "BYTES",
        struct.pack("<I", 2**32 - 1),
        "input 'x': ends in the middle of an element",
    ),
    "no UTF-8": ("BYTES", struct.pack("<I", 1) + b"\xff", "input 'x': element 0 is not UTF-8"),
    "too many": (
        "BYTES",
        struct.pack("<I", 0) * 2,
        "input 'x': more elements than its shape is of, 1",
    ),
}


@pytest.mark.parametrize("what", BYTES)
def test_bytes_that_are_no_tensor(client, what):
    datatype, content, says = BYTES[what]
    one = {
        "name": "x",
        "shape": [1],
        "datatype": datatype,
        "parameters": {"binary_data_size": len(content)},
    }
    head = json.dumps({"inputs": changed(x=one)}).encode()
    response = infer(client, head + content, inference_header_content_length=str(len(head)))
    assert (response.status_code, response.json()) == (400, {"error": says})
    assert Prediction.objects.get().status == 400


@pytest.mark.parametrize("length", ["-1", "x", "9" * 50, "9" * 5020, "0" * 5020, "٣"])
def test_a_length_that_is_none(client, length):
    response = infer(client, {"inputs": inputs(GRADED)}, inference_header_content_length=length)
    assert response.status_code == 400
    assert response.json()["error"].startswith("Inference-Header-Content-Length is ")


@pytest.mark.parametrize("name", ["id", "parameters", "outputs"])
def test_null_is_none(client, name):
    response = infer(client, {name: None, "inputs": inputs(GRADED)})
    assert outputs(response)["predicted_price"] == [Prediction.objects.get().predicted_price]
    assert "id" not in response.json()


NESTED = 100, 400, *range(900, 1000, 9)


@pytest.mark.parametrize(
    "name", ["datatype", "shape", "data", "parameters", "id", "outputs", "k", "output", "size"]
)
def test_nested_values(client, name):
    request = {
        "datatype": {"inputs": changed(x=tensor("x", [5.7]) | {"datatype": "DEEP"})},
        "shape": {"inputs": changed(x=tensor("x", [5.7]) | {"shape": "DEEP"})},
        "data": {"inputs": changed(x=tensor("x", ["DEEP"], "FP64"))},
        "parameters": {"inputs": inputs(GRADED), "parameters": "DEEP"},
        "id": {"inputs": inputs(GRADED), "id": "DEEP"},
        "outputs": {"inputs": inputs(GRADED), "outputs": ["DEEP"]},
        "k": {
            "inputs": inputs(GRADED),
            "outputs": [{"name": "comparables"}],
            "parameters": {"k": "DEEP"},
        },
        "output": {"inputs": inputs(GRADED), "outputs": [{"name": "DEEP"}]},
        "size": {
            "inputs": changed(x=tensor("x", [5.7]) | {"parameters": {"binary_data_size": "DEEP"}})
        },
    }[name]
    for depth in NESTED:
        deep = json.dumps(request).replace('"DEEP"', "[" * depth + "]" * depth)
        response = infer(client, deep.encode())
        assert response.status_code == 400
        assert len(response.json()["error"]) < 300
    assert {*Prediction.objects.values_list("status", flat=True)} == {400}
    assert Prediction.objects.count() == len(NESTED)


def test_bytes_that_nothing_announced(client):
    head = json.dumps({"inputs": inputs(GRADED)}).encode()
    response = infer(client, head + b"more", inference_header_content_length=str(len(head)))
    assert response.json() == {"error": "4 bytes follow the last tensor"}


class TestModels:
    def test_the_server(self, client):
        for path in ("/v2", "/v2/"):
            found = client.get(path).json()
            assert found["extensions"] == ["binary_tensor_data"]
            assert set(found) == {"name", "version", "extensions"}

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_a_model(self, client, scheme):
        for path in (f"/v2/models/{scheme}", f"/v2/models/{scheme}/versions/1"):
            found = client.get(path).json()
            assert (found["name"], found["versions"]) == (scheme, ["1"])
            assert [one["name"] for one in found["inputs"]] == list(SCHEMES[scheme])
            assert client.get(f"{path}/ready").json() == {"name": scheme, "ready": True}
            assert client.head(path).status_code == client.head(f"{path}/ready").status_code == 200
            assert client.options(path).status_code == 200

    @pytest.mark.parametrize(
        "path", ["models/nope", "models/nope/ready", "models/graded/versions/9", "models/x/y", "x"]
    )
    def test_what_is_not_there(self, client, path):
        response = client.get(f"/v2/{path}")
        assert response.status_code == 404
        assert list(response.json()) == ["error"]

    def test_infer_what_is_not_there(self, client):
        assert infer(client, {"inputs": inputs(GRADED)}, "nope").json() == {
            "error": "there is no model 'nope'; there are coded, graded"
        }
        response = infer(client, {"inputs": inputs(GRADED)}, "graded/versions/2")
        assert response.status_code == 404
        assert response.json() == {"error": "There is no version 2 of graded; there are 1."}
        assert not Prediction.objects.exists()

    def test_a_version(self, client, second, live_models):
        activate(second, "tests", "a newer one")
        assert infer(client, {"inputs": inputs(CODED)}, "coded/versions/1").status_code == 200
        assert Prediction.objects.get().version == live_models["coded"]

    def test_other_methods(self, client):
        response = client.put("/v2/models/graded/infer")
        assert (response.status_code, response.json()) == (
            405,
            {"error": 'Method "PUT" not allowed.'},
        )

    def test_too_large_a_body(self, client):
        response = infer(client, b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
        assert response.status_code == 413
        assert response.json() == {"error": "The request body is too large: the limit is 2 MB."}

    def test_health(self, client):
        assert client.get("/v2/health/live", headers={"host": "10.0.0.7"}).json() == {"live": True}
        assert client.get("/v2/health/ready", headers={"host": "10.0.0.7"}).json() == {
            "ready": True
        }


def test_not_ready(client, fresh_registry, live_models):
    fresh_registry._live.clear()
    live_models["graded"].activations.all().delete()
    live_models["coded"].activations.all().delete()
    response = client.get("/v2/health/ready")
    assert (response.status_code, response.json()) == (503, {"ready": False})
    assert response["Retry-After"]
    response = infer(client, {"inputs": inputs(GRADED)})
    assert response.status_code == 503
    assert list(response.json()) == ["error"]
    assert Prediction.objects.get().status == 503
    assert client.get("/v2/models/graded/ready").status_code == 503


def test_a_token_is_asked_for(client, settings):
    settings.API_ACCESS = "token"
    response = infer(client, {"inputs": inputs(GRADED)})
    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert client.get("/v2/health/ready").status_code == 200
