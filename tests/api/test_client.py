"""A client that openapi-python-client generates from the published schema, used on a running server."""

import importlib
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from ml.stones import EXAMPLES
from predictor.models import Prediction

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("live_models")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The generated package, imported; it is generated once."""
    from django.test import Client

    folder = tmp_path_factory.mktemp("client")
    (folder / "schema.json").write_bytes(Client().get("/api/schema").content)
    (folder / "config.yml").write_text("post_hooks: []\n")
    command = [
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--meta",
        "none",
        "--fail-on-warning",
        "--path",
        "schema.json",
        "--config",
        "config.yml",
        "--output-path",
        "diamonds_client",
    ]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("diamonds_client")
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith("diamonds_client")]:
        del sys.modules[name]


@pytest.fixture
def client_of(made, live_server):
    with made.Client(base_url=live_server.url) as client:
        yield client


@pytest.fixture
def models(made):
    return importlib.import_module("diamonds_client.models")


def operation(name):
    return importlib.import_module(f"diamonds_client.api.{name}")


def test_a_stone_is_priced_by_get_in_either_scheme(client_of, models):
    predict_get = operation("predict.predict_get")
    grades = {"cut": models.Cut.IDEAL, "color": models.Color.G, "clarity": models.Clarity.VS1}
    codes = {
        "cut": models.CutCode.PREMIUM,
        "color": models.ColorCode.J_I_H_G,
        "clarity": models.ClarityCode.VS2_VS1,
    }
    graded = predict_get.sync(
        client=client_of, **GRADED | grades, include=models.Included.COMPARABLES, k=3
    )
    coded = predict_get.sync(client=client_of, **CODED | codes)
    second, first = Prediction.objects.all()
    assert isinstance(graded, models.Quote)
    assert (graded.id, graded.predicted_price) == (first.id, first.predicted_price)
    assert graded.features == models.GradedStone(**GRADED | grades)
    assert len(graded.comparables) == 3
    assert graded.comparables[0].stone.carat > 0
    assert (coded.id, coded.model.scheme) == (second.id, "coded")
    assert coded.features == models.CodedStone(**CODED | codes)
    assert coded.price_range.low <= coded.predicted_price <= coded.price_range.high


def test_stones_are_priced_by_post_one_or_many(client_of, models):
    predict_post = operation("predict.predict_post")
    stones = [models.GradedStone.from_dict(GRADED), models.CodedStone.from_dict(CODED)]
    one = predict_post.sync(client=client_of, body=stones[0])
    many = predict_post.sync(client=client_of, body=stones)
    assert one.features == stones[0]
    assert [quote.features for quote in many] == stones
    assert Prediction.objects.filter(status=200).count() == 3


def test_what_is_refused_has_types_too(client_of, models):
    predict_post = operation("predict.predict_post")
    wrong = models.GradedStone.from_dict({**GRADED, "carat": 31})
    one = predict_post.sync_detailed(client=client_of, body=wrong)
    assert one.status_code == 400
    assert one.parsed["carat"] == ["“31” is out of bounds: give a number from 0.05 to 30 ct."]
    [row] = predict_post.sync(client=client_of, body=[models.CodedStone.from_dict(CODED), wrong])
    assert isinstance(row, models.RowErrors)
    assert (row.row, list(row.additional_properties)) == (1, ["carat"])


def test_the_live_models_are_reported(client_of, models):
    result = operation("model.live_models").sync(client=client_of)
    assert isinstance(result.graded, models.LiveModel)
    assert (result.graded.version, result.coded.version) == (1, 1)


def test_a_client_with_a_token_is_known(made, live_server, settings):
    settings.API_ACCESS = "token"
    key = Token.objects.create(user=User.objects.create_user("anna")).key
    models = importlib.import_module("diamonds_client.models")
    stone = models.CodedStone.from_dict(CODED)
    with made.AuthenticatedClient(base_url=live_server.url, token=key) as client:
        operation("predict.predict_post").sync(client=client, body=stone)
    assert Prediction.objects.get().client == "anna"
