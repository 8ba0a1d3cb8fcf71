"""Grades that the data does not have are priced as the nearest one if that is allowed; that is recorded."""

import json

import pytest

from ml.forest.matrix import row_of
from ml.stones import EXAMPLES
from ml.tables.grades import assumed_grades
from predictor.models import Prediction
from predictor.replay.services import verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]
STONE = EXAMPLES["graded"][0]
CUTS = "Fair, Good, Very Good, Premium, Ideal"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("cut", "Excellent", ("Excellent", ("Ideal", "Premium"))),
        ("cut", " EX ", ("Excellent", ("Ideal", "Premium"))),
        ("cut", "Triple Ex", ("Excellent", ("Ideal", "Premium"))),
        ("cut", "triple-excellent", ("Excellent", ("Ideal", "Premium"))),
        ("cut", "EX/EX/EX", ("Excellent", ("Ideal", "Premium"))),
        ("cut", "EX EX EX", ("Excellent", ("Ideal", "Premium"))),
        ("cut", "3EX", ("Excellent", ("Ideal", "Premium"))),
        ("cut", "AGS 0", ("AGS 0", ("Ideal",))),
        ("cut", "AGS-000", ("AGS 0", ("Ideal",))),
        ("clarity", "fl", ("FL", ("IF",))),
        ("cut", "EX/VG/EX", ("", ())),
        ("cut", "0", ("", ())),
        ("cut", "Ideal", ("", ())),
        ("cut", "Poor", ("", ())),
        ("cut", "excellent" * 40, ("", ())),
        ("color", "K", ("", ())),
        ("clarity", "IF", ("", ())),
    ],
)
def test_the_grades_that_can_be_assumed(name, text, found):
    assert assumed_grades(name, text) == found


def ask(client, **changes):
    return client.get("/api/predict", {**STONE, **changes})


def price_of(forest, **changes):
    return int(forest.answer(row_of({**STONE, **changes}, "graded")).price)


@pytest.mark.parametrize(
    ("changes", "used", "others"),
    [
        ({"cut": "Excellent"}, {"cut": "Ideal"}, {"cut": ["Premium"]}),
        ({"cut": "ex/ex/ex"}, {"cut": "Ideal"}, {"cut": ["Premium"]}),
        ({"cut": "AGS 0"}, {"cut": "Ideal"}, {"cut": []}),
        ({"clarity": "FL"}, {"clarity": "IF"}, {"clarity": []}),
        (
            {"cut": "EX", "clarity": "FL"},
            {"cut": "Ideal", "clarity": "IF"},
            {"cut": ["Premium"], "clarity": []},
        ),
    ],
)
def test_an_assumed_grade_is_answered_and_recorded(client, small_forests, changes, used, others):
    forest, answer = small_forests["graded"], ask(client, **changes, assume="true").json()
    row = Prediction.objects.get()
    assumed = [
        {
            "field": name,
            "sent": changes[name],
            "used": used[name],
            "price_as": {
                grade: price_of(forest, **{**used, name: grade}) for grade in others[name]
            },
        }
        for name in changes
    ]
    assert answer["assumed"] == row.assumed == assumed
    assert answer["features"] == row.features == {**STONE, **used}
    assert answer["predicted_price"] == price_of(forest, **used)
    assert f"cut={changes.get('cut', 'Ideal').split('/')[0].split()[0]}" in row.request
    assert (verify(Prediction.objects.all()).different, row.status) == (0, 200)
    assert (
        client.get(row.get_absolute_url(), headers={"accept": "application/json"}).json() == answer
    )


@pytest.mark.parametrize("assume", [{}, {"assume": "false"}])
@pytest.mark.parametrize(
    ("name", "sent", "message"),
    [
        (
            "cut",
            "Excellent",
            f"“Excellent” is not a cut grade: give one of {CUTS}, or assume=true to price it as Ideal.",
        ),
        (
            "cut",
            "AGS 0",
            f"“AGS 0” is not a cut grade: give one of {CUTS}, or assume=true to price it as Ideal.",
        ),
        (
            "clarity",
            "FL",
            "“FL” is not a clarity grade: give one of I1, SI2, SI1, VS2, VS1, VVS2, VVS1, IF, "
            "or assume=true to price it as IF.",
        ),
        ("cut", "Poor", f"“Poor” is not a cut grade: give one of {CUTS}."),
    ],
)
def test_without_being_allowed_nothing_is_assumed(client, assume, name, sent, message):
    response = ask(client, **{name: sent}, **assume)
    row = Prediction.objects.get()
    assert (response.status_code, response.json()) == (400, {name: [message]})
    assert (row.status, row.error, row.assumed) == (400, {name: [message]}, None)


@pytest.mark.parametrize("sent", ["1", "yes", "", "truetrue", ["true", "true"]])
def test_the_option_is_true_or_false(client, sent):
    response = ask(client, assume=sent)
    assert response.json() == {"assume": ["Give true or false, once."]}
    assert Prediction.objects.get().error == {"assume": ["Give true or false, once."]}


@pytest.mark.parametrize("changes", [{"cut": "Poor"}, {"cut": "EX/VG/EX"}, {"color": "K"}])
def test_what_cannot_be_assumed_is_refused_all_the_same(client, changes):
    assert ask(client, **changes, assume="true").status_code == 400
    assert Prediction.objects.get().assumed is None


def test_an_answer_without_an_assumed_grade_has_no_such_field(client):
    assert "assumed" not in ask(client, assume="true").json()
    assert Prediction.objects.get().assumed is None


@pytest.mark.parametrize("sent", ["true", "True", "TRUE"])
def test_the_option_is_read_in_any_letter_case(client, sent):
    assert ask(client, cut="Excellent", assume=sent).json()["assumed"][0]["used"] == "Ideal"


def test_a_code_is_never_taken_for_a_grade(client):
    coded = EXAMPLES["coded"][0]
    answer = client.get("/api/predict", {**coded, "cut": 0, "assume": "true"}).json()
    assert answer["features"] == {**coded, "cut": 0}
    assert "assumed" not in answer


def test_a_list_may_assume_for_each_of_its_stones(client, small_forests):
    stones = [STONE, {**STONE, "cut": "EX"}, EXAMPLES["coded"][0], {**STONE, "clarity": "FL"}]
    answers = client.post(
        "/api/predict", stones, "application/json", query_params={"assume": "true"}
    ).json()
    premium = price_of(small_forests["graded"], cut="Premium")
    assert [one.get("assumed") for one in answers] == [
        None,
        [{"field": "cut", "sent": "EX", "used": "Ideal", "price_as": {"Premium": premium}}],
        None,
        [{"field": "clarity", "sent": "FL", "used": "IF", "price_as": {}}],
    ]
    rows = Prediction.objects.order_by("id")
    assert [row.assumed for row in rows] == [one.get("assumed") for one in answers]
    assert json.loads(rows[1].request)["cut"] == "EX"
    assert verify(rows.all()).different == 0


def test_the_inference_protocol_takes_the_option(client):
    inputs = [
        {
            "name": name,
            "shape": [1],
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "data": [value],
        }
        for name, value in {**STONE, "cut": "Excellent"}.items()
    ]
    asked = {"inputs": inputs, "outputs": [{"name": "predicted_price"}, {"name": "assumed"}]}
    refused = client.post("/v2/models/graded/infer", asked, "application/json").json()
    assert refused["error"].endswith("or assume=true to price it as Ideal.")
    asked["parameters"] = {"assume": True}
    answer = client.post("/v2/models/graded/infer", asked, "application/json").json()
    row = Prediction.objects.get(status=200)
    assert answer["outputs"][0]["data"] == [row.predicted_price]
    assert json.loads(answer["outputs"][1]["data"][0]) == row.assumed


def test_the_admin_and_the_exports_show_it(admin_client):
    answer = ask(admin_client, cut="Excellent", assume="true").json()
    premium = answer["assumed"][0]["price_as"]["Premium"]
    text = admin_client.get(
        f"/admin/predictor/prediction/{answer['id']}/change/", headers={"accept-language": "en"}
    ).content.decode()
    assert f"As Premium it is ${premium:,}." in text
    export = b"".join(
        admin_client.get("/admin/predictor/prediction/export/csv/").streaming_content
    ).decode()
    assert f"cut: Excellent → Ideal (Premium: {premium})" in export
