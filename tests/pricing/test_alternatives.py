"""The prices of alternatives to a stone: those that the forest gives them, in one batch; and the advice, as
properties of 1,000 recorded stones."""

from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from django.utils.translation import override

from ml.forest import PriceForest
from ml.forest.matrix import row_of
from ml.stones import COLORS, EXAMPLES, GRADES, SCHEMES
from ml.vocabulary import TRADE_GRADES
from predictor.models import ModelVersion, Prediction
from predictor.pages.quotes.changes import changes_context
from predictor.pages.stone_form import parsing
from predictor.pages.stone_form.forms import as_filled
from predictor.pricing.alternatives import outlook, scaled
from predictor.pricing.appearance import LOOKS, lost
from predictor.pricing.face_up import face_up
from predictor.pricing.serializers import validate
from predictor.pricing.services import Caller, PricePredictor
from predictor.pricing.warnings import warnings_of

CALLER = Caller("form")
STONES = 1000
BRIGHT = ("Very Good", "Premium", "Ideal")
EYE_CLEAN = GRADES["clarity"][2:]


def quoted(scheme="graded", **changes):
    stone = {name: str(value) for name, value in {**EXAMPLES[scheme][0], **changes}.items()}
    return PricePredictor().quote(stone, CALLER)


def price(forest, features, scheme):
    return float(forest.price(np.array([row_of(features, scheme)]))[0])


# One stone


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_change_costs_what_the_forest_asks_for_that_stone(live_models, small_forests, scheme):
    prediction, forest = quoted(scheme), small_forests[scheme]
    found = outlook(prediction, forest)
    assert found.changes
    for change in found.changes:
        asked = price(forest, change.features, scheme)
        assert change.price == int(asked)
        assert change.difference == int(asked) - prediction.predicted_price
        assert change.same == (abs(asked - prediction.price) <= found.wobble)
    assert Prediction.objects.count() == 1


def test_the_changes_are_one_step_away(live_models, small_forests):
    found = outlook(quoted(), small_forests["graded"])
    assert [change.values for change in found.changes] == [
        {"color": "H"},
        {"color": "F"},
        {"clarity": "VS2"},
        {"clarity": "VVS2"},
        {"cut": "Premium"},
        {"carat": 0.5},
        {"carat": 0.9},
        {"order": (5.7, 5.73)},
    ]


def test_the_other_weights_have_the_same_proportions_in_a_reports_places():
    stone = EXAMPLES["graded"][0]
    half = scaled(stone, 0.35)
    assert {name: half[name] for name in "xyz"} == {"x": 4.55, "y": 4.52, "z": 2.79}
    assert (half["depth"], half["table"]) == (stone["depth"], stone["table"])
    assert scaled(EXAMPLES["coded"][0], 0.74)["volume"] == 120.126


def test_the_wobble_is_the_most_that_a_hundredth_of_a_millimetre_moves(live_models, small_forests):
    prediction, forest = quoted(), small_forests["graded"]
    moved = [
        abs(
            price(forest, {**prediction.features, name: prediction.features[name] + off}, "graded")
            - prediction.price
        )
        for name in "xyz"
        for off in (-0.01, 0.01)
    ]
    assert outlook(prediction, forest).wobble == pytest.approx(max(moved))


def test_a_stone_of_the_best_and_of_the_worst_grades_has_steps_on_one_side(
    live_models, small_forests
):
    best = outlook(quoted(color="D", cut="Ideal", clarity="IF"), small_forests["graded"])
    assert all(change.steps <= 0 for change in best.changes)
    assert (best.better, best.visible) == ([], None)
    worst = outlook(quoted(color="J", cut="Fair", clarity="I1"), small_forests["graded"])
    assert all(change.steps >= 0 for change in worst.changes)
    assert {"color": "H"} in [change.values for change in worst.better]
    for some in worst.savings.values():
        assert {"carat"} >= {name for change in some for name in change.values}


def test_a_round_stone_has_no_other_order(live_models, small_forests):
    found = outlook(quoted(x=5.7, y=5.7), small_forests["graded"])
    assert all("order" not in change.values for change in found.changes)


# 1,000 recorded stones


@pytest.fixture(scope="module")
def outlooks(small_forests):
    """[(answer, its outlook), …] of each scheme, not recorded."""
    rng = np.random.default_rng(27)
    found = {}
    for scheme, forest in small_forests.items():
        version = ModelVersion(scheme=scheme, number=1)
        rows = rng.choice(len(forest.recorded_columns["price"]), STONES // 2)
        stones = [validate(as_filled(forest.recorded(row), scheme))[1] for row in rows]
        answers = forest.answer_many(np.array([row_of(stone, scheme) for stone in stones]))
        predictions = [
            Prediction.made(
                version,
                {"scheme": scheme, "price": a.price, "low": a.low, "high": a.high, **stone},
            )
            for stone, a in zip(stones, answers, strict=True)
        ]
        found[scheme] = [(one, outlook(one, forest)) for one in predictions]
    return found


@pytest.fixture(scope="module")
def graded(outlooks):
    return outlooks["graded"]


@pytest.fixture(scope="module")
def savings(outlooks):
    """[(answer, share, the savings offered for it), …]."""
    return [
        (prediction, share, some)
        for pairs in outlooks.values()
        for prediction, found in pairs
        for share, some in found.savings.items()
    ]


def test_a_better_color_is_advised_only_by_two_grades_below_f(graded):
    steps = [
        (prediction.color, change.values["color"])
        for prediction, found in graded
        for change in found.better
        if "color" in change.values
    ]
    assert set(steps) == {("J", "H"), ("I", "G"), ("H", "F")}


def test_a_better_clarity_and_cut_are_advised_only_where_they_are_seen(graded):
    for prediction, found in graded:
        for change in found.better:
            if "clarity" in change.values:
                assert prediction.clarity in ("I1", "SI2")
            if "cut" in change.values:
                assert prediction.cut in ("Fair", "Good")


def test_an_improvement_costs_more_than_the_stone(outlooks):
    shown = [found.visible for pairs in outlooks.values() for _, found in pairs if found.visible]
    assert len(shown) > STONES / 4
    assert all(change.difference > 0 for change in shown)


def test_what_is_about_the_same_has_no_amount_in_the_advice(graded, small_forests):
    same = [(one, found) for one, found in graded if found.visible and found.visible.same]
    assert same
    for prediction, _ in same[:20]:
        assert changes_context(prediction, small_forests["graded"])["visible"]["same"]


def test_savings_save_what_they_say(savings):
    for prediction, share, some in savings:
        for change in some:
            assert change.price <= prediction.predicted_price * (1 - share)


def test_no_saving_looks_worse_in_cut_or_clarity(savings):
    for prediction, _, some in savings:
        for change in some:
            stone = change.features
            if prediction.scheme == "coded":
                assert change.lost["clarity"] < 1
                assert change.lost["cut"] < 1
                continue
            assert stone["cut"] in BRIGHT or stone["cut"] == prediction.cut
            assert stone["clarity"] in EYE_CLEAN or stone["clarity"] == prediction.clarity


def test_what_keeps_the_look_is_offered_first(savings):
    for *_, some in savings:
        looks = [change.keeps_look for change in some]
        assert looks == sorted(looks, reverse=True)


def test_most_stones_have_a_saving_of_a_tenth_that_keeps_the_look(savings):
    firsts = [some[:1] for prediction, share, some in savings if share == 0.1]
    kept = sum(some[0].keeps_look for some in firsts if some)
    assert kept > 0.8 * len(firsts)


def test_no_saving_gives_up_more_properties_than_another(savings):
    for *_, some in savings:
        sets = [set(change.values) for change in some]
        for place, one in enumerate(sets):
            assert not any(earlier <= one for earlier in sets[:place])


def test_no_advice_is_an_extrapolation(savings, outlooks):
    shown = [change for *_, some in savings for change in some]
    shown += [
        change for pairs in outlooks.values() for _, found in pairs for change in found.better
    ]
    assert not any(change.extrapolated for change in shown)


def test_a_saving_says_what_is_given_up(graded, small_forests):
    with override("en"):
        for prediction, _ in graded[:50]:
            context = changes_context(prediction, small_forests["graded"])
            for _, rows in context["savings"]:
                for row in rows:
                    named = row["name"].startswith("Weight")
                    assert ("mm less in diameter" if named else " – ") in row["given_up"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_link_leads_to_the_price_beside_it(outlooks, small_forests, scheme):
    """The stone that the form reads from a link is the one that was priced."""
    linked, shown = [], []
    for prediction, found in outlooks[scheme][::10]:
        with override("en"):
            context = changes_context(prediction, small_forests[scheme])
        rows = [*context["rows"], *(row for _, some in context["savings"] for row in some)]
        rows += [context["visible"]] if context["visible"] else []
        linked += [_read(row["address"], scheme) for row in rows]
        shown += [row["price"] for row in rows]
        assert found.changes
    prices = small_forests[scheme].price(np.array(linked))
    assert [f"${int(price):,}" for price in prices] == shown


def _read(address, scheme):
    """The matrix row of the stone in a link to the form."""
    typed = dict(parse_qsl(urlsplit(address).query))
    parsed = parsing.read(scheme, typed)
    assert parsed.all_errors() == {}
    return row_of(validate(parsed.payload)[1], scheme)


# Stones that are in the training data themselves


@pytest.fixture(scope="module")
def listing_forest(small_forests):
    """The small graded forest, that looks up listings."""
    plain = small_forests["graded"]
    step = {"shops_log_edges": np.log([1000.0]), "shops_carat_edges": np.empty(0)}
    step["shops_values"] = np.log([[1.25], [1.1]])
    arrays = plain.arrays | step | {"listings_reach": np.full((4, 2), 0.01)}
    return PriceForest(arrays, plain.metadata)


@pytest.fixture(scope="module")
def listed(listing_forest):
    """[(the answer to a stone of the training data, its outlook), …], not recorded."""
    rows = np.random.default_rng(26).choice(len(listing_forest.recorded_columns["price"]), 150)
    version, found = ModelVersion(scheme="graded", number=1), []
    for row in rows:
        stone = validate(as_filled(listing_forest.recorded(row), "graded"))[1]
        answer = listing_forest.answer(row_of(stone, "graded"))
        warnings = warnings_of(stone, listing_forest, answer)
        made = Prediction.made(
            version, {"scheme": "graded", "price": answer.price, "warnings": warnings, **stone}
        )
        assert made.recorded_stone
        found.append((made, outlook(made, listing_forest)))
    return found


def test_the_steps_of_a_listed_stone_are_those_between_estimates(listed, small_forests):
    forest = small_forests["graded"]
    for prediction, found in listed:
        here = price(forest, prediction.features, "graded")
        assert found.estimate == int(here)
        for change in found.changes:
            there = price(forest, change.features, "graded")
            if not change.listed:
                assert (change.price, change.difference) == (int(there), int(there) - int(here))
                assert change.share == pytest.approx((int(there) - int(here)) / int(here))
                assert change.same == (abs(there - here) <= found.wobble)


def test_the_other_listings_of_a_listed_stone_are_compared_with_its_own(listed):
    """Another cut's name and the other order of the diameters leave it the same stone."""
    orders = 0
    for prediction, found in listed:
        for change in found.changes:
            if change.listed:
                assert change.difference == change.price - prediction.predicted_price
            if set(change.values) <= {"cut", "order"}:
                assert change.listed
            if "cut" in change.values:
                assert (change.difference, change.same) == (0, True)
            orders += "order" in change.values and change.difference != 0
    assert orders > len(listed) / 2


def test_the_listing_of_another_stone_is_not_what_a_grade_costs(listing_forest):
    """The stone has a listed one beside it, that differs only in color."""
    row = int(np.flatnonzero(listing_forest.recorded_columns["color"] == 3)[7])
    beside = validate(as_filled(listing_forest.recorded(row), "graded"))[1]
    stone = {**beside, "color": "F"}
    answer = listing_forest.answer(row_of(stone, "graded"))
    version = ModelVersion(scheme="graded", number=1)
    asked = Prediction.made(version, {"scheme": "graded", "price": answer.price, **stone})
    changes = outlook(asked, listing_forest).changes
    [change] = [one for one in changes if one.values == {"color": beside["color"]}]
    estimate = price(listing_forest.by_trees, beside, "graded")
    assert (answer.listed, change.listed) == (-1, True)
    assert change.price == int(listing_forest.recorded(row)["price"])
    assert change.difference == int(estimate) - int(answer.price)


def test_what_saves_costs_less_than_the_listing_and_less_than_the_estimate(listed):
    savings = [
        (prediction, share, change)
        for prediction, found in listed
        for share, some in found.savings.items()
        for change in some
    ]
    assert len(savings) > len(listed)
    for prediction, share, change in savings:
        assert change.price <= prediction.predicted_price * (1 - share)
        assert change.share <= -share


def test_every_link_of_a_listed_stone_leads_to_the_price_beside_it(listed, listing_forest):
    for prediction, found in listed[::10]:
        with override("en"):
            context = changes_context(prediction, listing_forest)
        rows = [*context["rows"], *(row for _, some in context["savings"] for row in some)]
        linked = np.array([_read(row["address"], "graded") for row in rows])
        prices = [f"${int(one):,}" for one in listing_forest.price(linked)]
        assert prices == [row["price"] for row in rows]
        assert context["estimate"] == f"${found.estimate:,}"


# How grades look


@pytest.mark.parametrize("grade", COLORS)
def test_the_colorless_grades_look_the_same(grade):
    stone = {**EXAMPLES["graded"][0], "color": "F"}
    seen = lost(stone, {**stone, "color": grade})["color"]
    assert (seen == 0) == (grade in "DEF")
    assert (seen >= 1) == (grade in "JIH")


def test_every_grade_of_the_trade_has_its_look():
    assert {name: {*looks} - {""} for name, looks in LOOKS.items()} == {
        name: {*grades} for name, grades in TRADE_GRADES.items()
    }


@pytest.mark.parametrize(("shape", "seen"), [("Round", False), ("Oval", False), ("Emerald", True)])
def test_inclusions_are_seen_better_in_step_cuts(shape, seen):
    stone = {**EXAMPLES["graded"][0], "shape": shape}
    assert (lost(stone, {**stone, "clarity": "SI1"})["clarity"] >= 1) == seen


# Its size from above


def test_how_big_a_stone_looks_beside_recorded_ones(small_forests):
    forest, stone = small_forests["graded"], EXAMPLES["graded"][0]
    columns = forest.recorded_columns
    near = np.abs(columns["carat"] / 0.7 - 1) <= 0.02
    usual = float(np.median((columns["x"][near] + columns["y"][near]) / 2))
    found = face_up(stone, forest)
    assert (found.usual, found.stones) == (usual, int(near.sum()))
    assert found.diameter == pytest.approx(5.715)
    assert found.share == pytest.approx(5.715 / usual - 1)
    assert found.looks_like == pytest.approx(0.7 * (5.715 / usual) ** 3)


@pytest.mark.parametrize(("x", "kind"), [(5.9, "large"), (5.5, "small")])
def test_a_stone_spreads_or_hides_its_weight(small_forests, x, kind):
    assert face_up({**EXAMPLES["graded"][0], "x": x, "y": x}, small_forests["graded"]).kind == kind


@pytest.mark.parametrize("stone", [EXAMPLES["coded"][0], {**EXAMPLES["graded"][0], "carat": 25.0}])
def test_nothing_is_said_where_nothing_is_known(small_forests, stone):
    assert face_up(stone, small_forests["graded"]) is None
