"""Random samples: reproducible, with equal chances, and unbiased estimates of the whole history."""

from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from ml.stones import EXAMPLES
from predictor.models import Prediction, Review, Sample
from predictor.models.ids import uuid7
from predictor.review import worth
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


def test_by_price_every_band_gives_the_same_number(answers):
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


@pytest.mark.parametrize(("prices", "n"), [([1000] * 20, 10), (range(1000, 1020), 3)])
def test_by_price_as_many_are_drawn_as_asked_for_and_stand_for_all(live_models, prices, n):
    Prediction.objects.bulk_create(
        Prediction(version=live_models["graded"], status=200, price=price, latency_ms=1)
        for price in prices
    )
    drawn = draw(Prediction.objects.all(), n, 1, by_price=True).predictions.all()
    assert (len(drawn), sum(one.stands_for for one in drawn)) == (n, pytest.approx(20))


def judge(sample, away=1.1):
    for drawn in sample.predictions.select_related("prediction"):
        Review.objects.update_or_create(
            prediction=drawn.prediction, defaults={"actual_price": drawn.prediction.price * away}
        )


def test_what_it_says_is_right_on_average_by_price_too(answers):
    truth = sum(0.1 * row.price for row in answers) / 39
    for way in ({}, {"by_price": True}, {"by_worth": True}):
        found = []
        for seed in range(60):
            sample = draw(answers, 12, seed, **way)
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


def test_reviews_that_are_worth_most_are_drawn_more_often_and_count_less(answers):
    sample = draw(answers, 12, 1, by_worth=True)
    drawn = [*sample.predictions.order_by("place").select_related("prediction")]
    priorities = [one.priority for one in drawn]
    assert priorities == sorted(priorities, reverse=True)
    assert sample.threshold < priorities[-1]
    assert sample.expected == pytest.approx(sum(0.31 * (row.high - row.low) for row in answers))
    for one in drawn:
        assert one.expected == pytest.approx(0.31 * (one.prediction.high - one.prediction.low))
        assert one.stands_for == pytest.approx(max(1, sample.threshold / one.weight))


def test_an_estimate_by_worth_is_what_is_expected_and_the_difference_found(answers):
    sample = draw(answers, 6, 1, by_worth=True)
    first, second, third, *_ = sample.predictions.order_by("place").select_related("prediction")
    for one, actual in ((first, first.prediction.price * 1.2), (second, second.prediction.price)):
        Review.objects.create(prediction=one.prediction, actual_price=actual)
    errors = (first.prediction.price * 0.2, 0)
    chances = [min(1, one.weight / third.priority) for one in (first, second)]
    away = [
        (error - one.expected) / chance
        for error, one, chance in zip(errors, (first, second), chances, strict=True)
    ]
    told = estimate(sample)
    assert told["mae"] == pytest.approx((sample.expected + sum(away)) / 39)
    inside = [(0 - 0.8) / chances[0], (1 - 0.8) / chances[1]]
    assert told["coverage"] == pytest.approx(0.8 + sum(inside) / 39)


def test_all_drawn_give_the_figures_of_all(answers):
    sample = draw(answers, 39, 1, by_worth=True)
    judge(sample)
    told = estimate(sample)
    assert told["mae"] == pytest.approx(sum(0.1 * row.price for row in answers) / 39)
    assert (told["mae_error"], told["coverage_error"]) == (0, 0)


@pytest.mark.parametrize(
    ("segment", "stone", "near"),
    [
        ({"column": "color", "grade": "G"}, {"color": "G"}, True),
        ({"column": "color", "grade": "G"}, {"color": "E"}, False),
        ({"column": "carat", "from": 1.0, "to": None}, {"carat": 1.0}, True),
        ({"column": "carat", "from": 1.0, "to": 2.0}, {"carat": 2.0}, False),
        ({"column": "y", "from": None, "to": 2.0}, {"y": None}, False),
        ({"column": "percentile", "from": None, "to": 2.0}, {"y": 1}, False),
    ],
)
def test_an_answer_is_near_an_alarm(segment, stone, near):
    assert worth.is_in(SimpleNamespace(**stone), segment) is near


def test_an_extrapolation_or_an_alarm_doubles_the_weight_of_the_range():
    answer = SimpleNamespace(low=100, high=200, warnings=[])
    plain = worth.weight_of(answer, 10, False)
    answer.warnings = [{"code": "extrapolated"}]
    assert worth.weight_of(answer, 10, True) - plain == pytest.approx(3 * 31)


@pytest.mark.parametrize("n", [0, -1, 10_001, 40])
def test_a_sample_that_cannot_be_drawn_leaves_nothing(answers, n):
    with pytest.raises(SampleError):
        draw(answers, n, 1)
    assert not Sample.objects.exists()


def run(**options):
    out = StringIO()
    call_command("sample", stdout=out, **options)
    return out.getvalue()


def test_the_command_draws_and_reports(answers):
    out = run(n=5, seed=3, by_price=True)
    sample = Sample.objects.get()
    assert out.startswith(f"sample {sample.pk}: 5 of 40 predictions")
    judge(sample)
    assert "5 of 5 have an actual price, drawn from 40" in run(results=sample.pk)
    assert "in their range 0.0% ± 0.0%" in run(results=sample.pk)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 99}, "a sample of 99 of 40 answers: there are too few"),
        ({"n": 0}, "draw from 1 to 10,000"),
        ({"n": 1, "since": "noon"}, "is not a valid date"),
        ({"results": 77}, "there is no sample 77"),
    ],
)
def test_the_command_shows_what_is_wrong(answers, options, told):
    with pytest.raises(CommandError, match=told):
        run(**options)
