"""The vocabulary of a version: what it knows, and that a wrong one in a forest file is refused."""

import copy

import numpy as np
import pandas as pd
import pytest

from ml.forest.matrix import as_matrix, row_of
from ml.stones import EXAMPLES, GRADES, MEASURES, SCHEMES
from ml.vocabulary import DEFAULT, Property, Typical, Vocabulary, VocabularyError

pytestmark = pytest.mark.once

SHAPE = Property("shape", ("", "Oval", "Round"), assumed="Round")
FLUORESCENCE = Property("fluorescence", ("", "Strong", "None"), ordered=True)
OWN = Vocabulary(
    grades={"cut": ("Good", "Excellent"), "color": ("K", "D"), "clarity": ("I2", "IF")},
    without_cut=True,
    optional=(SHAPE, FLUORESCENCE),
    facts={"laboratory": "GIA"},
    few={"color": {"K": 12}},
    typical={"Oval": Typical((0.005, 0.0055, 0.006), (1, 1.4, 2))},
    public=("carat", "shape"),
)
STONE = EXAMPLES["graded"][0] | dict(cut="Excellent", color="K", clarity="IF")


def test_the_default_vocabulary_is_that_of_the_projects_table():
    assert Vocabulary.of({"scheme": "graded"}) is DEFAULT
    assert DEFAULT.as_metadata() == {}
    assert DEFAULT.grades == GRADES
    assert DEFAULT.measures == MEASURES
    assert DEFAULT.columns("graded") == SCHEMES["graded"]
    assert DEFAULT.sizes() == (5, 7, 8)


def test_a_vocabulary_is_read_from_its_metadata_as_it_was():
    assert Vocabulary.of(OWN.as_metadata()) == OWN


def test_optional_properties_come_after_the_columns_of_the_scheme():
    assert OWN.columns("graded") == (*SCHEMES["graded"], "shape", "fluorescence")
    assert OWN.sizes() == (3, 2, 2)
    assert OWN.levels("cut") == ("", "Good", "Excellent")
    assert OWN.property_called("shape").stated == ("Oval", "Round")
    assert OWN.has_few("color", "K") == 12
    assert OWN.has_few("color", "D") is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, (2, 0, 1, 2, 0)),
        ({"shape": None, "fluorescence": ""}, (2, 0, 1, 2, 0)),
        ({"shape": "Oval", "fluorescence": "None"}, (2, 0, 1, 1, 2)),
        ({"cut": None, "fluorescence": "Strong"}, (0, 0, 1, 2, 1)),
        ({"cut": "", "color": "D"}, (0, 1, 1, 2, 0)),
    ],
)
def test_what_is_not_stated_has_a_number_of_its_own_or_the_assumed_one(sent, expected):
    stone = STONE | sent
    row = row_of(stone, "graded", OWN)
    assert (*row[1:4], *row[9:]) == expected
    table = pd.DataFrame([{name: value or "" for name, value in stone.items()}])
    np.testing.assert_array_equal(as_matrix(table, "graded", OWN)[0], row)
    np.testing.assert_array_equal(as_matrix(row[None], "graded", OWN)[0], row)


@pytest.mark.parametrize(("name", "value"), [("shape", "Heart"), ("color", "E"), ("cut", "Fair")])
def test_an_unknown_level_is_refused(name, value):
    with pytest.raises(KeyError):
        row_of(STONE | {name: value}, "graded", OWN)
    with pytest.raises(ValueError, match=f"row 0, column {name}: unknown grade '{value}'"):
        as_matrix(pd.DataFrame([STONE | {name: value}]), "graded", OWN)


def test_only_a_vocabulary_without_cut_takes_stones_without_one():
    with pytest.raises(KeyError):
        row_of(EXAMPLES["graded"][0] | {"cut": None}, "graded")


WRONG = {
    "vocabulary is not a dict": lambda found: [],
    "grades are not those of cut, color, clarity": lambda found: found["grades"].pop("cut"),
    "grades has no color": lambda found: found["grades"].update(color=[]),
    "grades has a color that the trade does not know": lambda found: found["grades"].update(
        color=["D", "K"]
    ),
    "without_cut is not true or false": lambda found: found.update(without_cut=1),
    "optional is not a list": lambda found: found.update(optional=None),
    "optional has a name that is not known": lambda found: found["optional"][0].update(
        name="owner"
    ),
    "optional has other names": lambda found: found["optional"].reverse(),
    "optional has no levels of shape": lambda found: found["optional"][0].update(levels=["Round"]),
    "optional assumes a shape that it does not have": lambda found: found["optional"][0].update(
        assumed="Pear"
    ),
    "facts has a value that is not text": lambda found: found["facts"].update(origin="x" * 201),
    "few has a value that is not a count": lambda found: found["few"]["color"].update(K=-1),
    "measures are not those of carat, depth, table, x, y, z, volume": lambda found: found.update(
        measures={}
    ),
    "measures does not rise": lambda found: found["measures"].update(carat=[30, 0.2]),
    "measures is out of bounds": lambda found: found["measures"].update(carat=[float("nan"), 1]),
    "typical is not 3 numbers": lambda found: found["typical"]["Oval"].update(fill=[1, 2]),
    "public is not a list": lambda found: found.update(public="carat"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_metadata_that_is_no_vocabulary_is_refused(fault):
    found = copy.deepcopy(OWN.as_metadata()["vocabulary"])
    changed = WRONG[fault](found)
    with pytest.raises(VocabularyError, match=fault):
        Vocabulary.of({"vocabulary": changed if changed == [] else found})


@pytest.mark.parametrize(
    ("sent", "unknown"),
    [
        ({}, []),
        ({"cut": "", "shape": "Oval", "laboratory": "GIA", "fluorescence": None}, []),
        ({"color": "E"}, [("color", "E")]),
        ({"shape": "Heart", "polish": "Good"}, [("shape", "Heart"), ("polish", None)]),
        ({"laboratory": "IGI"}, [("laboratory", "IGI")]),
    ],
)
def test_what_a_vocabulary_does_not_know_of_a_stone(sent, unknown):
    assert OWN.unknown_in(STONE | sent) == unknown


def test_a_vocabulary_without_missing_cuts_knows_none():
    assert DEFAULT.unknown_in(EXAMPLES["graded"][0] | {"cut": ""}) == [("cut", "")]
