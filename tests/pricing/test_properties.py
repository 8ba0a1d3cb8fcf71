"""All that the validators accept is priced and recorded; what they refuse has errors by field."""

import json
import math

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from ml.stones import (
    CODES,
    EXAMPLES,
    GRADES,
    LONGEST,
    LOWEST_FILL,
    MEASURES,
    SCHEMES,
    SOLID_DIAMOND,
    grades_of,
)
from predictor import json_text
from predictor.models import Prediction
from predictor.pricing.answers import as_json
from predictor.pricing.serializers import VALIDATORS, Validators, levels_of, validate
from predictor.pricing.services import Caller, PricePredictor
from predictor.web.programs import encode
from tests.own_stones import OWN

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]

SPELLINGS = st.sampled_from(["{}", " {} ", "+{}", "{}\n"])


def written(number):
    """A number in one of the forms in which it may be sent: as a JSON number or as text."""
    forms = [repr(number), f"{number:e}", f"{number:.17g}", f"{number:E}"]
    texts = st.sampled_from(forms).flatmap(lambda form: SPELLINGS.map(lambda way: way.format(form)))
    return st.one_of(st.just(number), texts)


def measures(name, low=-math.inf, high=math.inf):
    """A measure within its bounds, including both ends."""
    low, high = max(low, MEASURES[name].low), min(high, MEASURES[name].high)
    return st.one_of(st.sampled_from([low, high]), st.floats(low, high))


def grades(name):
    """A grade's name in any letter case."""
    cases = [str.lower, str.upper, str.title, str.swapcase, str]
    return st.sampled_from(GRADES[name]).flatmap(
        lambda grade: st.sampled_from([case(grade) for case in cases])
    )


def codes(name):
    """A grade's code, as a number or as text."""
    return st.sampled_from(list(CODES[name])).flatmap(
        lambda code: st.sampled_from([code, float(code), str(code), f" {code}.0", f"+{code}"])
    )


@st.composite
def stones(draw, scheme):
    """A stone with only allowed values; in most cases its weight is possible for its size."""
    sizes = {
        name: draw(measures(name)) for name in ("volume", "x", "y", "z") if name in SCHEMES[scheme]
    }
    volume = math.prod(sizes.values())
    low, high = max(0.05, LOWEST_FILL * volume), min(30, SOLID_DIAMOND * volume)
    possible = low <= high and draw(st.integers(0, 9)) > 0
    carat = draw(measures("carat", low, high) if possible else measures("carat"))
    numbers = {
        "carat": carat,
        "depth": draw(measures("depth")),
        "table": draw(measures("table")),
        **sizes,
    }
    graded = {name: draw(codes(name) if scheme == "coded" else grades(name)) for name in GRADES}
    sent = {name: draw(written(number)) for name, number in numbers.items()}
    return draw(st.permutations(list((sent | graded).items())).map(dict))


def plain(scheme):
    """A stone in the most common form: numbers, and grades in their usual spelling, or all as text."""
    graded = {name: st.sampled_from(grades_of(name, scheme)) for name in GRADES}
    measured = {name: measures(name) for name in SCHEMES[scheme] if name in MEASURES}
    in_numbers = st.fixed_dictionaries(graded | measured)
    in_text = in_numbers.map(lambda stone: {name: str(value) for name, value in stone.items()})
    return in_numbers | in_text


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=50),
    st.sampled_from(["", "NaN", "-inf", "1e999", "0x1", "1_0", "1,5", "\x00", "\ud800"]),
    st.sampled_from(["١", "²", "½", "٣.٥", "𝟙", "１"]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.decimals(allow_nan=True, places=3).map(str),
    st.integers(10**300, 10**400),
)
NAMES = st.sampled_from(list(dict.fromkeys(sum(SCHEMES.values(), ())))) | st.text(max_size=30)


@st.composite
def spoilt(draw):
    """A stone with some of its values replaced, removed or added."""
    stone = draw(st.sampled_from(list(SCHEMES)).flatmap(stones))
    for name in draw(st.lists(st.sampled_from(list(stone)), max_size=2, unique=True)):
        del stone[name]
    return stone | draw(st.dictionaries(NAMES, JUNK, max_size=3))


def assert_refusal_names_fields(error, payload):
    """The error is {field: [sentence, …]} for fields that the stone has or needs, and can be sent
    as JSON."""
    assert isinstance(error.detail, dict)
    assert error.detail
    assert json.dumps(error.detail).encode()
    known = {name for names in SCHEMES.values() for name in names} | {"non_field_errors"}
    assert len(error.detail.keys() - known) <= len(payload)
    for messages in error.detail.values():
        assert messages
        assert all(isinstance(message, str) and message.strip() for message in messages)


def assert_refused_as_impossible(error):
    """The weight is the only error of a stone whose values are all allowed."""
    assert list(error.detail) == ["carat"], error.detail
    assert " ct is impossible: " in error.detail["carat"][0]


def assert_priced_recorded_and_replayed(payload):
    """The answer is finite and within its range; its row gives the same answer again."""
    scheme, features = validate(payload)
    answer = PricePredictor().quote(payload, Caller("api", request="made up"))
    row = Prediction.objects.get(pk=answer.pk)
    assert (row.scheme, row.features) == (scheme, features)
    assert math.isfinite(row.price)
    assert 0 < row.low <= row.price <= row.high < math.inf
    assert row.predicted_price > 0
    assert math.isfinite(row.price_per_carat)
    answer = as_json(row)
    assert json_text.encode(answer).decode() == encode(answer)
    again = PricePredictor().quote(row.features, Caller("api", request="again"))
    assert (again.price, again.low, again.high) == (row.price, row.low, row.high)
    assert again.warnings == row.warnings


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_allowed_stone_is_priced_in_its_range_recorded_and_replayed(live_models, scheme):
    outcomes = {"priced": 0, "impossible": 0}

    @given(stones(scheme))
    def holds(payload):
        try:
            validate(payload)
        except ValidationError as error:
            assert_refused_as_impossible(error)
            outcomes["impossible"] += 1
            return
        assert_priced_recorded_and_replayed(payload)
        outcomes["priced"] += 1

    with override("en"):
        holds()
    assert 4 * outcomes["priced"] > outcomes["impossible"] > 0


def test_any_stone_is_priced_or_refused_by_field(live_models):
    outcomes = {"priced": 0, "refused": 0}

    @given(spoilt())
    def holds(payload):
        try:
            validate(payload)
        except ValidationError as error:
            assert_refusal_names_fields(error, payload)
            outcomes["refused"] += 1
            return
        assert_priced_recorded_and_replayed(payload)
        outcomes["priced"] += 1

    holds()
    assert min(outcomes.values()) > 0


@st.composite
def own(draw):
    """A stone as an own list takes it, mostly in the most common form."""
    stone = draw(plain("graded"))
    for name in draw(st.lists(st.sampled_from(OWN_NAMES), unique=True)):
        words = ["", *OWN.grades.get(name, ()), *levels_of(OWN).get(name, ())]
        stone[name] = draw(st.sampled_from(words) | JUNK)
    return stone


OWN_NAMES = ["cut", "color", "clarity", "shape", "fluorescence", "origin", "laboratory"]


@pytest.mark.parametrize("scheme", [*SCHEMES, "own"])
def test_a_well_formed_stone_is_read_as_field_by_field(scheme):
    validators, taken = Validators(OWN, 7) if scheme == "own" else VALIDATORS, []
    some = own() if scheme == "own" else plain(scheme) | stones(scheme)

    @given(some | spoilt())
    def holds(payload):
        if stone := validators.well_formed(payload):
            its_scheme = validators.scheme_of(payload)
            fields = validators[its_scheme].to_internal_value(payload)
            assert stone == (its_scheme, fields)
            assert list(map(repr, stone[1].items())) == list(map(repr, fields.items()))
        taken.append(stone)

    holds()
    assert any(taken)
    assert None in taken


@pytest.mark.parametrize("example", EXAMPLES["coded"] + EXAMPLES["graded"])
def test_programs_send_well_formed_stones(example):
    scheme = "coded" if "volume" in example else "graded"
    in_text = {name: str(value) for name, value in example.items()}
    well_formed = VALIDATORS.well_formed
    assert well_formed(example) == well_formed(in_text) == (scheme, example)
    assert well_formed(in_text | {"carat": "0.7" + "0" * LONGEST}) is None


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_usual_value_is_read_as_any_other(scheme):
    @given(stones(scheme), JUNK, NAMES)
    def holds(payload, junk, name):
        for field_name, value in (payload | {name: junk}).items():
            field = VALIDATORS[scheme].fields.get(field_name)
            read = field and field.usual(value)
            if read is not None:
                whole = field.run_validation(value)
                assert (read, type(read)) == (whole, type(whole))

    holds()
