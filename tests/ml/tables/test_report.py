"""The text of grading reports, made up after the wording of GIA, IGI, AGS and HRD."""

import pytest

from ml.tables.report import MOST_CHARACTERS, Report, read_report

GIA = """GIA NATURAL DIAMOND GRADING REPORT
March 14, 2025
GIA Report Number: 1234567890
Shape and Cutting Style: Round Brilliant
Measurements: 6.42 - 6.45 x 3.98 mm
GRADING RESULTS
Carat Weight: 1.01 carat
Color Grade: G
Clarity Grade: VS1
Cut Grade: Excellent
ADDITIONAL GRADING INFORMATION
Polish: Excellent
Symmetry: Very Good
Fluorescence: None
Clarity Characteristics: Crystal, Feather
PROPORTIONS
Depth: 61.8 %
Table: 57 %
Crown Angle: 34.5°
"""
STONE = {
    "shape": "round",
    "carat": "1.01",
    "color": "G",
    "clarity": "VS1",
    "cut": "Excellent",
    "depth": "61.8",
    "table": "57",
    "x": "6.42",
    "y": "6.45",
    "z": "3.98",
}

REPORTS = {
    "GIA": (GIA, STONE),
    "GIA on one line": (" ".join(GIA.split()), STONE),
    "GIA with every word on a line": ("\r\n".join(GIA.split()), STONE),
    "GIA in capitals, with tabs": (GIA.upper().replace(": ", "\t"), STONE),
    "GIA with dots, lines broken": (
        "Shape and Cutting\nStyle ..................... Round Brilliant\n"
        "Measurements .......... 6.42 - 6.45 x\n3.98 mm\nCarat\nWeight ............. 1.01\ncarat\n"
        "Color Grade ............. G\nClarity Grade ........... VS\n1\nCut Grade .... Excellent\n"
        "Depth ..... 61.8%\nTable ..... 57%\nGirdle ... Medium to Slightly Thick (Faceted) 3.5%",
        STONE,
    ),
    "GIA with labels and values apart": (
        "Carat Weight\n1.01 carat\n\nColor Grade\nG\n\nClarity Grade\nVS1\n\nCut Grade\nVery Good\n",
        {"carat": "1.01", "color": "G", "clarity": "VS1", "cut": "Very Good"},
    ),
    "IGI": (
        "IGI Report Number 512345678\nDescription NATURAL DIAMOND\n"
        "Shape and Cutting Style ROUND BRILLIANT\nMeasurements 6.50 - 6.53 X 4.01 MM\n"
        "GRADING RESULTS\nCarat Weight 1.05 CARATS\nColor Grade F\nClarity Grade VVS 2\n"
        "Cut Grade IDEAL\nPolish EXCELLENT\nSymmetry EXCELLENT\nTable Size 57%\nTotal Depth 61.5%",
        {
            "shape": "round",
            "carat": "1.05",
            "color": "F",
            "clarity": "VVS2",
            "cut": "Ideal",
            "table": "57",
            "depth": "61.5",
            "x": "6.50",
            "y": "6.53",
            "z": "4.01",
        },
    ),
    "AGS": (
        "Shape and Style: Round Brilliant\nMeasurements: 6.45-6.48x3.99 mm\n"
        "Cut Grade: AGS Ideal 0\nColor Grade: AGS 1.0 (E)\nClarity Grade: AGS 3 (VS1)\n"
        "Carat Weight: 1.013 carats\nTable 56.4% Total depth: 61.7%",
        {
            "shape": "round",
            "cut": "AGS 0",
            "color": "E",
            "clarity": "VS1",
            "carat": "1.013",
            "table": "56.4",
            "depth": "61.7",
            "x": "6.45",
            "y": "6.48",
            "z": "3.99",
        },
    ),
    "HRD": (
        "HRD Antwerp natural diamond\nShape brilliant\nCarat (weight) 1.02 ct\n"
        "Colour Grade rare white (G)\nClarity Grade loupe clean\n"
        "Cut: very good - excellent - excellent\nMeasurements 6.43 - 6.46 mm x 3.95 mm\n"
        "Table width 57 %\nCrown height 15.0 %\nPavilion depth 43.0 %\nTotal depth 61.3 %",
        {
            "shape": "round",
            "carat": "1.02",
            "color": "G",
            "clarity": "IF",
            "cut": "Very Good",
            "table": "57",
            "depth": "61.3",
            "x": "6.43",
            "y": "6.46",
            "z": "3.95",
        },
    ),
    "grades that the data does not have": (
        "Color: K Clarity: Flawless Cut: EX/EX/EX Shape: Oval Brilliant",
        {"color": "K", "clarity": "FL", "cut": "Excellent", "shape": "oval"},
    ),
    "a table of a shop": (
        "| Carat | 0.90 |\n| Colour | H |\n| Clarity | SI1 |\n| Cut | Good |\n| Table % | 60 |",
        {"carat": "0.90", "color": "H", "clarity": "SI1", "cut": "Good", "table": "60"},
    ),
    "a line of a shop": (
        "Color: G - Clarity: VS1 - Cut: Very Good / Table: 57% / Depth: 61.5",
        {"color": "G", "clarity": "VS1", "cut": "Very Good", "table": "57", "depth": "61.5"},
    ),
    "the pavilion's depth is not the depth": ("Pavilion depth 43.1 % Crown height 15 %", {}),
    "the first value that is understood": (
        "Round Brilliant Cut\nCut Grade: Good",
        {"cut": "Good"},
    ),
    "nothing": ("a letter about something else", {}),
    "no text": ("", {}),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_read(name):
    text, found = REPORTS[name]
    report = read_report(text)
    assert report.found == found
    assert not report.is_grown


def test_what_is_not_understood_is_kept():
    report = read_report(
        "Carat Weight: about one\nColor Grade: Fancy Yellow\nClarity Grade: VS1\nTable:"
    )
    assert report == Report({"clarity": "VS1"}, {"carat": "about one", "color": "Fancy Yellow"})


@pytest.mark.parametrize(
    "text",
    [
        "Clarity: VS1 - SI2",
        "Color Grade: G - J",
        "Color: G to J",
        "Carat Weight: 0.70 g",
        "Depth: 3.5 mm",
    ],
)
def test_ranges_and_other_units_are_not_understood(text):
    report = read_report(text)
    assert report.found == {}
    assert [*report.unclear.values()] == [text.partition(": ")[2]]


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (
            GIA,
            {
                "origin": "Natural",
                "laboratory": "GIA",
                "polish": "Excellent",
                "symmetry": "Very Good",
                "fluorescence": "None",
            },
        ),
        (
            "IGI LABORATORY-GROWN DIAMOND REPORT\nPolish EXCELLENT Symmetry VERY GOOD Fluorescence NONE",
            {
                "origin": "Lab-grown",
                "laboratory": "IGI",
                "polish": "Excellent",
                "symmetry": "Very Good",
                "fluorescence": "None",
            },
        ),
        (
            "HRD Antwerp, graded after GIA. Fluorescence: nil",
            dict(laboratory="HRD", fluorescence="None"),
        ),
        ("Fluorescence: Strong Blue", {"fluorescence": "Strong"}),
        ("Fluorescence: Medium to Strong, Polish: Good to Very Good", {}),
        ("an original religious text", {}),
    ],
)
def test_what_a_report_states_besides(text, stated):
    assert read_report(text).stated == stated


@pytest.mark.parametrize(
    ("text", "grown"),
    [
        ("LABORATORY-GROWN DIAMOND REPORT, the same properties as natural diamonds.", True),
        ("LABORATORY-\nGROWN DIAMOND", True),
        ("LABORATORY-GROWN DIAMOND REPORT Carat Weight: 1.01", True),
        ("Description Laboratory\nGrown Diamond", True),
        ("lab-grown", True),
        ("Natural diamond. No sign of a laboratory grown one.", False),
        (GIA, False),
    ],
)
def test_a_laboratory_grown_stone_is_noticed(text, grown):
    assert read_report(text).is_grown == grown


@pytest.mark.parametrize(
    "piece", ["Cut ", "Carat Weight ", ".", "6.42 - ", "(", "x", "9", " ", "VS "]
)
def test_a_long_text_is_cut(piece):
    assert read_report(piece * MOST_CHARACTERS) == read_report(
        (piece * MOST_CHARACTERS)[:MOST_CHARACTERS]
    )
