"""The published schema, checked against real answers, and the page that shows it."""

import json
import re
from html import unescape

import jsonschema
import pytest

from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Prediction
from tests.posting import post

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
STONES = {"coded": CODED, "graded": GRADED}
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

pytestmark = [pytest.mark.once, pytest.mark.django_db]


@pytest.fixture
def document(client):
    """The published OpenAPI document."""
    response = client.get("/api/schema")
    assert response.status_code == 200
    return json.loads(response.content)


def resolved(node, document):
    """A part of the document with its references resolved."""
    if isinstance(node, dict) and "$ref" in node:
        target = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return resolved(target, document)
    if isinstance(node, dict):
        return {key: resolved(value, document) for key, value in node.items()}
    return [resolved(item, document) for item in node] if isinstance(node, list) else node


def query_of(document):
    """The parameters of the query string of GET /api/predict."""
    documented = document["paths"]["/api/predict"]["get"]["parameters"]
    return [parameter for parameter in documented if parameter["in"] == "query"]


def assert_conforms(content, schema, document):
    schema = resolved(schema, document)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(
        content,
        schema,
        cls=jsonschema.Draft202012Validator,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


def assert_documented(response, method, document, path="/api/predict"):
    """The schema describes the answer: its status, content type and body."""
    documented = document["paths"][path][method]["responses"][str(response.status_code)]
    problem = ["application/problem+json"] if response.status_code >= 400 else []
    assert [*documented["content"]] == ["application/json", *problem]
    assert response["Content-Type"] == "application/json"
    content = documented["content"]["application/json"]
    assert_conforms(response.json(), content["schema"], document)


class TestSchema:
    def test_it_is_openapi_3_1_of_the_right_shape(self, document):
        assert document["openapi"].startswith("3.1.")
        assert document["info"]["title"]
        assert document["info"]["version"]
        assert {"/api/predict", "/api/model"} <= set(document["paths"])
        for path, operations in document["paths"].items():
            assert path.startswith("/")
            assert set(operations) <= METHODS
            for operation in operations.values():
                assert operation["operationId"]
                assert operation["responses"]
                for status, answer in operation["responses"].items():
                    assert re.fullmatch(r"[1-5]\d\d", status)
                    assert "description" in answer

    def test_a_query_string_has_the_parameters_of_either_scheme_each_with_its_type(self, document):
        documented = query_of(document)
        needed = {parameter["name"]: parameter.get("required", False) for parameter in documented}
        both = set(SCHEMES["coded"]) & set(SCHEMES["graded"])
        assert list(needed) == [
            *SCHEMES["graded"],
            "volume",
            "include",
            "k",
            "asking",
            "assume",
            "version",
        ]
        assert {name for name, required in needed.items() if required} == both

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_the_query_string_accepts_the_examples_with_their_options(self, document, scheme):
        documented = query_of(document)
        schemas = {parameter["name"]: parameter["schema"] for parameter in documented}
        for stone in EXAMPLES[scheme]:
            for name, value in {**stone, "include": "comparables", "k": 50}.items():
                assert_conforms(value, schemas[name], document)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("carat", 31),
            ("cut", 7),
            ("cut", "Best"),
            ("color", "Z"),
            ("x", 0),
            ("include", "price"),
            ("k", 51),
        ],
    )
    def test_what_get_refuses_the_query_string_refuses(self, client, document, name, value):
        documented = document["paths"]["/api/predict"]["get"]["parameters"]
        [schema] = [one["schema"] for one in documented if one["name"] == name]
        with pytest.raises(jsonschema.ValidationError):
            assert_conforms(value, schema, document)
        assert client.get("/api/predict", {**GRADED, name: value}).status_code == 400

    def test_its_examples_conform_to_the_request_schema_and_are_answered(
        self, client, live_models, document
    ):
        content = document["paths"]["/api/predict"]["post"]["requestBody"]["content"]
        examples = content["application/json"]["examples"]
        stones = [example["value"] for example in examples.values()]
        assert {"volume" in stone for stone in stones} == {True, False}
        for stone in [*stones, stones]:
            assert_conforms(stone, content["application/json"]["schema"], document)
            response = post(client, stone)
            assert response.status_code == 200
            assert_documented(response, "post", document)

    @pytest.mark.parametrize(
        "stone",
        [
            {},
            {"carat": 0.37},
            {**CODED, "karat": 1},
            {**CODED, "carat": 31},
            {**CODED, "cut": 7},
            {**CODED, "x": 1},
            {**GRADED, "cut": 3},
            {**GRADED, "color": "Z"},
            [],
            [{}],
            None,
            "x",
        ],
    )
    def test_what_the_service_refuses_the_request_schema_refuses(self, client, document, stone):
        content = document["paths"]["/api/predict"]["post"]["requestBody"]["content"]
        with pytest.raises(jsonschema.ValidationError):
            assert_conforms(stone, content["application/json"]["schema"], document)
        response = post(client, stone)
        assert response.status_code == 400
        assert_documented(response, "post", document)

    @pytest.mark.parametrize("scheme", SCHEMES)
    @pytest.mark.parametrize("changes", [{}, {"table": 99}, {"carat": 0.5}, {"depth": 75}])
    def test_answers_are_as_documented(self, client, live_models, document, scheme, changes):
        stone = {**STONES[scheme], **changes}
        for response, method in [
            (client.get("/api/predict", stone), "get"),
            (post(client, stone), "post"),
        ]:
            assert response.status_code == 200
            assert_documented(response, method, document)
        assert Prediction.objects.count() == 2

    @pytest.mark.parametrize(
        "body", [b"{", b"\xff", b"", b"[]", b"[{}]", b"5", json.dumps([CODED, {}]).encode()]
    )
    def test_refusals_are_as_documented(self, client, document, body):
        response = client.post("/api/predict", body, content_type="application/json")
        assert response.status_code == 400
        assert_documented(response, "post", document)
        assert Prediction.objects.get().error == response.json()

    def test_other_errors_are_as_documented(self, client, document):
        wrong_type = client.post("/api/predict", "x", content_type="text/plain")
        too_large = client.post(
            "/api/predict", b" " * (2 * 1024 * 1024 + 1), content_type="application/json"
        )
        assert (wrong_type.status_code, too_large.status_code) == (415, 413)
        for response in (wrong_type, too_large):
            assert_documented(response, "post", document)

    @pytest.mark.usefixtures("fresh_registry")
    def test_unavailable_is_as_documented(self, client, document):
        assert_documented(client.get("/api/predict", CODED), "get", document)
        assert_documented(post(client, CODED), "post", document)

    def test_the_live_models_are_as_documented(self, client, live_models, document):
        assert_documented(client.get("/api/model"), "get", document, "/api/model")


class TestDocs:
    def test_the_page_names_no_outside_host(self, client):
        response = client.get("/api/docs")
        assert response.status_code == 200
        page = response.content.decode()
        assert "swagger" in page.lower()
        addresses = re.findall(r"""(?:src|href|url)\s*[=:(]\s*["']?([^"'\s>)]+)""", page)
        assert any("swagger-ui" in address for address in addresses)
        assert [a for a in addresses if re.match(r"(?:[a-z]+:)?//", a)] == []
        hosts = set(re.findall(r"https?://([^/\s\"'<]+)", page))
        assert hosts <= {"testserver", "www.w3.org"}


def test_the_page_has_a_sample_answer_with_an_asking_price(client, live_models):
    text = unescape(client.get("/api/docs").content.decode())
    sample = json.loads(re.search(r'aria-label="JSON"><code>(.*?)</code>', text, re.S)[1])
    stone = EXAMPLES["graded"][0]
    answer = client.get("/api/predict", {**stone, "asking": sample["asking"]["price"]}).json()
    assert {**answer, "id": "…", "url": "…"} == sample
    assert Prediction.objects.count() == 1


def test_without_a_model_the_page_has_no_sample(client, db, fresh_registry):
    response = client.get("/api/docs")
    assert response.status_code == 200
    assert 'aria-label="JSON"' not in response.content.decode()
