"""A shop's list of stones: its headings and words, what is left out and why."""

import io

import pytest

from ml import dataset
from ml.stones import COLUMNS
from ml.tables import DatasetError, by_reason, read_list
from ml.tables.levels import read_level, read_trade_grade
from ml.vocabulary import MOST_LEVELS

pytestmark = pytest.mark.once

HEADER = (
    "Stock;Shape;Carat;Colour;Clarity;Cut;Polish;Sym;Flour;Depth;Table;Measurements;Cert;Certificate #;"
    "Lab Grown;Price;Seller"
)
STONE = dict(
    stock="A1",
    shape="RBC",
    carat="0,71",
    color="G",
    clarity="VS1",
    cut="*V.Good*",
    polish="EX",
    symmetry="VG",
    fluorescence="N",
    depth="61,5",
    table="57",
    measurements="5.71 - 5.73 x 3.52",
    laboratory="GIA",
    report="1234567890",
    origin="N",
    price="2.757,50",
    seller="x",
)
IMPOSSIBLE = "weight and measurements impossible for the shape"


def content(*changes):
    rows = [";".join((STONE | change).values()) for change in changes]
    return io.BytesIO("\n".join([HEADER, *rows]).encode())


def read(*changes):
    return read_list(content(*changes), "list.csv")[0]


def test_a_list_is_read_by_the_trades_headings_and_words():
    table = read({}, {"shape": "Cushion Modified", "origin": "CVD", "price": "$900", "depth": ""})
    first, second = table.stones.to_dict("records")
    assert first == dict(
        carat=0.71,
        cut="Very Good",
        color="G",
        clarity="VS1",
        depth=61.5,
        table=57.0,
        price=2757.5,
        x=5.71,
        y=5.73,
        z=3.52,
        shape="Round",
        origin="Natural",
        laboratory="GIA",
        polish="Excellent",
        symmetry="Very Good",
        fluorescence="None",
        report="1234567890",
    )
    assert (second["shape"], second["origin"], second["price"]) == ("Cushion", "Lab-grown", 900)
    assert second["depth"] == pytest.approx(61.6)
    notes = [str(note) for note in table.notes]
    assert "columns left out: 'Stock', 'Seller'" in notes
    assert "shape: 'RBC' → Round, 'Cushion Modified' → Cushion" in notes
    assert not table.left_out


LEFT_OUT = {
    "price is empty": ({"price": ""}, ""),
    "price is not a number": ({"price": "call"}, "call"),
    "price is in another currency": ({"price": "900 EUR"}, "900 EUR"),
    "color is not a known grade": ({"color": "Fancy"}, "Fancy"),
    "color is empty": ({"color": "-"}, "-"),
    "clarity is not a known grade": ({"clarity": "VS"}, "VS"),
    "polish is not a known grade": ({"polish": "zz"}, "zz"),
    "carat has a different decimal mark": ({"carat": "0.71"}, "0.71"),
    "x is not a number": ({"measurements": "5.71-5.73"}, "5.71-5.73"),
    "a different number of cells than in the header": ({"seller": "a;b"}, "18"),
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_a_row_that_cannot_be_used_is_left_out_with_its_line_and_cell(reason):
    change, value = LEFT_OUT[reason]
    table = read({}, {}, change, {})
    [one] = table.left_out
    assert (one.line, str(one.reason), one.value) == (4, reason, value)
    assert (len(table.stones), table.rows) == (3, 4)
    assert by_reason(table.left_out) == [(reason, [one])]


@pytest.mark.parametrize(
    ("name", "text", "level"),
    [
        ("shape", "Sq. Emerald", "Sq. Emerald"),
        ("shape", "EMERALD CUT", "Emerald"),
        ("shape", "trilliant", "Trilliant"),
        ("shape", "", ""),
        ("origin", "Lab-Grown Diamond", "Lab-grown"),
        ("origin", "HPHT treated", "Treated"),
        ("origin", "martian", None),
        ("laboratory", "Gemological Institute of America", "GIA"),
        ("laboratory", "igi", "IGI"),
        ("polish", "F", "Fair"),
        ("polish", "n/a", ""),
        ("fluorescence", "F", "Faint"),
        ("fluorescence", "Medium Blue", "Medium"),
        ("fluorescence", "VS", "Very Strong"),
        ("fluorescence", "None", "None"),
        ("fluorescence", "?", ""),
        ("symmetry", "x" * 41, None),
    ],
)
def test_words_of_optional_properties(name, text, level):
    assert read_level(name, text) == level


@pytest.mark.parametrize(
    ("name", "text", "grade"),
    [
        ("cut", "AGS 0", "Ideal"),
        ("cut", "3EX", "Excellent"),
        ("cut", "None", ""),
        ("cut", "Idael", None),
        ("cut", "VG-", None),
        ("color", "G+", None),
        ("clarity", "-", ""),
        ("color", "k", "K"),
        ("color", "O-P", "P"),
        ("color", "Fancy Yellow", None),
        ("clarity", "FL", "FL"),
        ("clarity", "P2", "I2"),
        ("clarity", "si 3", "SI3"),
        ("clarity", "x" * 41, None),
    ],
)
def test_words_of_grades(name, text, grade):
    assert read_trade_grade(name, text) == grade


def test_a_list_without_prices_is_refused():
    with pytest.raises(DatasetError, match=r"^a: line 1: columns are missing: price; there are"):
        read_list(io.BytesIO(HEADER.replace("Price", "Value").encode() + b"\n1;2"), "a")


@pytest.mark.parametrize("header", [HEADER, HEADER.replace(";Cut;", ";Note;")])
def test_a_list_without_any_cut_grade_is_refused(header):
    rows = content({"cut": ""}, {"cut": "None", "shape": "Oval"}).getvalue()
    sent = io.BytesIO(rows.replace(HEADER.encode(), header.encode()))
    with pytest.raises(DatasetError, match=r"^a: no row has a cut grade, which round"):
        read_list(sent, "a")


def test_the_column_of_currencies_says_what_each_price_is_in():
    changes = [{"seller": text} for text in ("USD", "", "eur", "$", "gold")]
    text = content(*changes).getvalue().decode().replace("Seller", "Currency")
    table = read_list(io.BytesIO(text.encode()), "list.csv")[0]
    assert [(one.line, str(one.reason), one.value) for one in table.left_out] == [
        (4, "price is in another currency", "eur"),
        (6, "price is in another currency", "gold"),
    ]
    assert len(table.stones) == 3
    table = read_list(io.BytesIO(text.encode()), "list.csv", currency="EUR")[0]
    assert [one.line for one in table.left_out] == [2, 5, 6]


@pytest.mark.parametrize("none", ["N/A", "-", "none", " "])
def test_stones_without_a_report_number_are_not_one_stone(none):
    stones = read({"report": none}, {"report": none, "table": "58"}).stones
    assert stones["report"].tolist() == ["", ""]
    assert len({*dataset.listing_keys(stones)}) == 2


def test_rare_shapes_beyond_the_most_are_read_as_other():
    shapes = [{"shape": f"Shape {chr(65 + n // 26)}{chr(65 + n % 26)}"} for n in range(MOST_LEVELS)]
    found = read(*shapes, *shapes[1:], {"shape": "Rare"}).stones["shape"]
    assert found.nunique() == MOST_LEVELS
    assert (found == "Other").sum() == 2


def test_what_is_impossible_is_judged_by_the_stones_of_its_shape():
    ordinary = [{"carat": f"0,{70 + n % 5}", "report": str(n)} for n in range(200)]
    long = {"shape": "Marquise", "measurements": "9.80-4.90x3.00"}
    table = dataset.read_list(content(*ordinary, long, {"carat": "1,05"}), "list.csv")
    [one] = table.left_out
    assert (one.line, str(one.reason)) == (203, IMPOSSIBLE)
    assert len(table.stones) == 201


def test_a_list_like_the_projects_table_is_read_as_that(sample):
    content = sample.to_csv(index=False).encode()
    table = dataset.read_list(io.BytesIO(content), "a")
    assert [*table.stones] == [*COLUMNS]
    assert table.stones.equals(dataset.read(io.BytesIO(content), "a").stones)
    assert not dataset.is_own(table.stones)


@pytest.mark.parametrize(
    ("shape", "depth"), [("RB", 62.4), ("", 62.4), ("Oval", 72.8), ("Trillion", 72.8)]
)
def test_an_empty_depth_is_of_the_width_of_shapes_that_are_not_round(shape, depth):
    sizes = "8.00-6.00x4.37"
    stones = read({}, {"shape": shape, "measurements": sizes, "depth": ""}).stones
    assert stones["depth"].iloc[1] == pytest.approx(depth)
