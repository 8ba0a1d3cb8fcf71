"""Random samples: reproducible, with equal chances, and unbiased estimates of the whole history."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ml.stones import EXAMPLES
from predictor.models import Prediction, Review, Sample
from predictor.models.ids import uuid7
from predictor.review.sampling import SampleError, draw, estimate

pytestmark = pytest.mark.django_db


@pytest.fixture
def answers(live_models, client):
    """Answers at 100, 200 … 4,000 USD, whose errors are a tenth of their prices; and a refusal."""
    client.get("/api/predict", EXAMPLES["graded"][0])
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    made = Prediction.objects.get(status=200)
    rows = []
    for place in range(1, 40):
        made.pk = uuid7()
        made.price = 100.0 * (place + 1)
        made.low, made.high = made.price * 0.95, made.price * 1.05
        rows.append(made.pk)
        made.save(force_insert=True)
    return Prediction.objects.filter(pk__in=rows)


def ids(sample):
    return [drawn.prediction_id for drawn in sample.predictions.all()]


def test_the_same_seed_draws_the_same_and_another_does_not(answers):
    first, again, other = (draw(answers, 10, seed) for seed in (1, 1, 2))
    assert ids(first) == ids(again)
    assert len({*ids(first)}) == 10
    assert {*ids(first)} != {*ids(other)}
    assert {drawn.stands_for for drawn in first.predictions.all()} == {3.9}
    assert (first.population, first.seed) == (39, 1)


def test_every_answer_is_drawn_as_often_as_another(answers):
    counts = dict.fromkeys(answers.values_list("pk", flat=True), 0)
    for seed in range(200):
        sample = draw(answers, 13, seed)
        for pk in ids(sample):
            counts[pk] += 1
    # A third of 200 draws: 66.7, with a standard deviation of 6.7.
    assert 35 < min(counts.values()) < max(counts.values()) < 100


def test_by_price_every_band_gives_as_many_and_stands_for_itself(answers):
    sample = draw(answers, 10, 1, by_price=True)
    prices = sorted(drawn.prediction.price for drawn in sample.predictions.all())
    order = sorted(answers.values_list("price", flat=True))
    bands = [order[len(order) * band // 5] for band in range(1, 5)]
    assert [sum(price >= end for end in bands) for price in prices] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
    ]
    assert sum(drawn.stands_for for drawn in sample.predictions.all()) == pytest.approx(39)


def judge(sample, away=1.1):
    for drawn in sample.predictions.select_related("prediction"):
        Review.objects.update_or_create(
            prediction=drawn.prediction, defaults={"actual_price": drawn.prediction.price * away}
        )


def test_what_it_says_is_right_on_average_by_price_too(answers):
    truth = sum(0.1 * row.price for row in answers) / 39
    for by_price in (False, True):
        found = []
        for seed in range(60):
            sample = draw(answers, 12, seed, by_price)
            judge(sample)
            found.append(estimate(sample)["mae"])
        assert sum(found) / len(found) == pytest.approx(truth, rel=0.05)


def test_it_says_from_how_many(answers):
    sample = draw(answers, 4, 1)
    assert estimate(sample) == {"drawn": 4, "judged": 0, "left_out": 0, "population": 39}
    judge(sample)
    told = estimate(sample)
    assert (told["judged"], told["coverage"], told["coverage_error"]) == (4, 0.0, 0.0)
    assert told["mae_error"] > 0


def test_it_uses_those_reviewed_before_the_first_that_is_not(answers):
    sample = draw(answers, 8, 1)
    places = [*sample.predictions.order_by("place").select_related("prediction")]
    for place, away in [(1, 1.1), (2, 1.2), (3, None), (4, 1.3), (6, 9)]:
        prediction = places[place - 1].prediction
        actual = away and prediction.price * away
        Review.objects.create(prediction=prediction, actual_price=actual)
    told = estimate(sample)
    assert (told["judged"], told["left_out"]) == (3, 1)
    used = [0.1, 0.2, 0.3]
    prices = [places[place - 1].prediction.price for place in (1, 2, 4)]
    mean = sum(away * price for away, price in zip(used, prices, strict=True)) / 3
    assert told["mae"] == pytest.approx(mean)


@pytest.mark.parametrize("n", [0, -1, 10_001, 40])
def test_a_sample_that_cannot_be_drawn_leaves_nothing(answers, n):
    with pytest.raises(SampleError):
        draw(answers, n, 1)
    assert not Sample.objects.exists()


def run(**options):
    out = StringIO()
    call_command("sample", stdout=out, **options)
    return out.getvalue()


def test_the_command_draws_and_tells(answers):
    out = run(n=5, seed=3, by_price=True)
    sample = Sample.objects.get()
    assert out.startswith(f"sample {sample.pk}: 5 of 40 predictions")
    judge(sample)
    assert "5 of 5 have an actual price, drawn from 40" in run(tell=sample.pk)
    assert "in their range 0.0% ± 0.0%" in run(tell=sample.pk)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 99}, "a sample of 99 of 40 answers: there are too few"),
        ({"n": 0}, "draw from 1 to 10,000"),
        ({"n": 1, "since": "noon"}, "is not a valid date"),
        ({"tell": 77}, "there is no sample 77"),
    ],
)
def test_the_command_tells_what_is_wrong(answers, options, told):
    with pytest.raises(CommandError, match=told):
        run(**options)
