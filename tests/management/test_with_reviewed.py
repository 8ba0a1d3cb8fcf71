"""Training with reviewed prices: only checked answers to grading reports; some of them are held out."""

import pytest
from django.core.management import CommandError

from ml import dataset
from ml.tables import Table
from predictor.models import ModelVersion, Prediction, Review
from predictor.retraining.reviewed import with_reviewed
from tests.own_stones import OVAL

from .retraining import run

GRADED = "cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56.0&x=5.73&y=5.7&z=3.51"
CODED = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(client, live_models):
    """Six answers for grading reports, the last one disputed, the one before without an actual
    price; one coded answer. The others sold for 10 % more."""
    for place in range(6):
        client.get(f"/api/predict?{GRADED}&carat={0.7 + place / 100}")
    client.get(f"/api/predict?{CODED}")
    for place, row in enumerate(Prediction.objects.order_by("pk")):
        Review.objects.create(
            prediction=row,
            actual_price=None if place == 4 else 1.1 * row.price,
            state="disputed" if place == 5 else "checked",
        )
    return [*Prediction.objects.order_by("pk")[:4]]


@pytest.fixture
def data(few, tmp_path):
    path = tmp_path / "few.csv"
    few.to_csv(path, index=False)
    return path


def test_the_table_gets_just_what_can_be_trained_on(judged, data):
    table = dataset.read(data)
    more, count = with_reviewed(table, "USD")
    assert count == 4
    assert len(more.stones) == len(table.stones) + 4
    added = more.stones.tail(4)
    assert added.carat.tolist() == [row.carat for row in judged]
    assert added.price.tolist() == pytest.approx([1.1 * row.price for row in judged])
    assert (added.dtypes == table.stones.dtypes).all()
    assert more.sha256 != table.sha256
    assert with_reviewed(table, "EUR") == (table, 0)


def test_the_same_reviews_give_the_same_table_and_others_another(judged, data):
    table = dataset.read(data)
    first, again = (with_reviewed(table, "USD")[0] for _ in range(2))
    assert first.sha256 == again.sha256
    Review.objects.filter(prediction=judged[0]).update(actual_price=5000)
    assert with_reviewed(table, "USD")[0].sha256 != first.sha256
    assert with_reviewed(table, "USD", judged[2].created)[1] == 2


def test_retrain_says_how_many(judged, data):
    out = run(data, with_reviewed=True, force=True)
    assert "4 reviewed predictions with an actual price are added to the training data" in out
    assert ModelVersion.objects.filter(scheme="graded", number=2).exists()


@pytest.mark.parametrize(("grade", "count"), [("clarity=FL", 0), ("cut=Excellent", 1)])
def test_a_flawless_stone_is_not_added_as_one_of_the_grade_below(
    client, live_models, few, grade, count
):
    name = grade.partition("=")[0]
    kept = [one for one in GRADED.split("&") if not one.startswith(name)]
    answer = client.get(f"/api/predict?carat=0.7&assume=true&{'&'.join([*kept, grade])}")
    assert answer.json()["assumed"]
    Review.objects.create(prediction=Prediction.objects.get(), actual_price=5000, state="checked")
    assert with_reviewed(Table(few, "", "few.csv", ()), "USD")[1] == count


def test_a_stone_of_an_own_list_keeps_its_shape(client, own_live, own_stones, few):
    client.get("/api/predict", {name: value for name, value in OVAL.items() if value})
    Review.objects.create(prediction=Prediction.objects.get(), actual_price=5000, state="checked")
    more, count = with_reviewed(Table(own_stones, "", "list.csv", ()), "USD")
    added = more.stones.iloc[-1]
    assert (count, added["shape"], added["fluorescence"]) == (1, "Oval", "Faint")
    assert (added["cut"], added["laboratory"], added["report"]) == ("", "", "")
    assert with_reviewed(Table(few, "", "few.csv", ()), "USD")[1] == 0


def test_since_on_its_own_is_refused(data):
    with pytest.raises(CommandError, match="--since needs --with-reviewed"):
        run(data, since="2026-01-01")
