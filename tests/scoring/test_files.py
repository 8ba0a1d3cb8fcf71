"""The files of a run: which are found, parts that differ, the names and contents of the results."""

import gzip
from unittest.mock import Mock
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pytest
from django.core.management.base import CommandError
from openpyxl import Workbook
from pyarrow import parquet

from ml.tables.rows import MOST_COLUMNS
from predictor.scoring.plan import output_of
from predictor.versions.activation import activate
from predictor.versions.store import register

from .conftest import read, score

pytestmark = pytest.mark.django_db


def prices(path):
    return read(path).predicted_price.tolist()


@pytest.fixture
def expected(here, graded, write, tmp_path):
    """The prices of the first six stones."""
    score(write("plain.csv", graded.head(6)), tmp_path / "plain.out.csv")
    return prices(tmp_path / "plain.out.csv")


def save(path, table):
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)


class TestParts:
    """The Parquet parts of one table may store their columns differently."""

    DIFFERENCES = {
        "column order": lambda t: t.select(t.column_names[::-1]),
        "whole numbers": lambda t: t.set_column(5, "table", t["table"].cast("int64", safe=False)),
        "dictionaries": lambda t: t.set_column(
            1, "cut", t["cut"].combine_chunks().dictionary_encode()
        ),
        "large strings": lambda t: t.set_column(1, "cut", t["cut"].cast(pa.large_string())),
        "string views": lambda t: t.set_column(1, "cut", t["cut"].cast(pa.string_view())),
        "float32": lambda t: t.set_column(0, "carat", t["carat"].cast("float32")),
        "an additional column": lambda t: t.append_column("lab", pa.array(["GIA"] * len(t))),
        "a column of nulls": lambda t: t.set_column(9, "reference", pa.nulls(len(t))),
        "no column of its own": lambda t: t.drop_columns(["reference"]),
    }

    @pytest.mark.parametrize("difference", DIFFERENCES)
    @pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
    def test_differences(self, expected, graded, tmp_path, difference, out):
        table = pa.Table.from_pandas(graded.head(6), preserve_index=False)
        table = table.set_column(5, "table", pa.array(graded.head(6)["table"].round()))
        save(tmp_path / "in" / "a.parquet", table.slice(0, 3))
        save(tmp_path / "in" / "b.parquet", self.DIFFERENCES[difference](table.slice(3)))
        save(tmp_path / "same" / "a.parquet", table)
        score(tmp_path / "in", tmp_path / out)
        score(tmp_path / "same", tmp_path / f"same-{out}")
        found = read(tmp_path / out)
        assert found.error.isna().all()
        assert prices(tmp_path / out) == pytest.approx(prices(tmp_path / f"same-{out}"), abs=1)
        assert found.reference.tolist()[:3] == graded.reference.tolist()[:3]

    def test_folders_of_hive_give_their_columns(self, expected, graded, tmp_path):
        for row, stone in graded.head(6).iterrows():
            folder = tmp_path / "in" / f"color={stone.color}" / f"cut={quote(stone.cut)}"
            one = pa.Table.from_pandas(graded.iloc[[row]], preserve_index=False)
            save(folder / f"{row}.parquet", one.drop_columns(["color", "cut"]))
        score(tmp_path / "in", tmp_path / "out.csv")
        found = read(tmp_path / "out.csv").sort_values("reference")
        assert found.predicted_price.tolist() == expected
        assert found.cut.tolist() == graded.head(6).cut.tolist()

    def test_parts_without_rows_are_nothing(self, expected, graded, write, tmp_path):
        write("in/b.csv", graded.head(6))
        write("in/a.csv", graded.head(0))
        (tmp_path / "in" / "c.csv").touch()
        score(tmp_path / "in", tmp_path / "out.csv")
        assert prices(tmp_path / "out.csv") == expected

    def test_csv_parts_go_by_their_names(self, expected, graded, write, tmp_path):
        write("in/a.csv", graded.head(3))
        write("in/b.csv", graded.iloc[3:6][graded.columns[::-1]].assign(lab="GIA"))
        score(tmp_path / "in", tmp_path / "out.csv")
        found = read(tmp_path / "out.csv")
        assert found.predicted_price.tolist() == expected
        assert found.lab.tolist()[3:] == ["GIA"] * 3


class TestNames:
    def test_subfolders_are_read_and_other_files_named(self, expected, graded, write, tmp_path):
        for name, part in (("a", graded.head(3)), ("b/c", graded.iloc[3:6])):
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            write(f"in/{name}.csv", part)
        (tmp_path / "in" / "notes.md").write_text("no data")
        (tmp_path / "in" / "_SUCCESS").write_text("{}")
        printed, _ = score(tmp_path / "in", tmp_path / "out.csv")
        assert prices(tmp_path / "out.csv") == expected
        assert "files left out: " in printed
        assert "notes.md" in printed
        assert "_SUCCESS" not in printed

    @pytest.mark.parametrize("name", ["stones [final].csv", "stones*.csv", "stones?.csv"])
    def test_an_existing_file_is_not_read_as_a_pattern(
        self, expected, graded, write, tmp_path, name
    ):
        write("in/stonesX.csv", graded)
        score(write(f"in/{name}", graded.head(6)), tmp_path / "out.csv")
        assert prices(tmp_path / "out.csv") == expected

    @pytest.mark.parametrize("name", ["out.csv.gz", "out.tsv", "out.pq", "out.tsv.gz", "OUT.CSV"])
    def test_a_result_is_a_file_by_its_name(self, here, small_parts, graded, write, tmp_path, name):
        score(write("in.csv", graded), tmp_path / name)
        content = (tmp_path / name).read_bytes()
        if name.endswith(".pq"):
            assert parquet.read_table(tmp_path / name).num_rows == 1000
            return
        text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
        mark = "\t" if ".tsv" in name else ","
        assert [line.count(mark) for line in text.splitlines()[:3]] == [14] * 3
        assert len(text.splitlines()) == 1001


class TestReading:
    def test_what_was_priced_can_be_priced_again(self, expected, write, graded, tmp_path):
        score(tmp_path / "plain.out.csv", tmp_path / "again.parquet")
        printed, _ = score(tmp_path / "again.parquet", tmp_path / "third.csv")
        assert "columns of an earlier run, replaced: predicted_price, low, high" in printed
        assert prices(tmp_path / "third.csv") == expected
        assert (tmp_path / "third.csv").read_text() == (tmp_path / "plain.out.csv").read_text()

    def test_columns_are_said_and_can_be_named(self, expected, graded, write, tmp_path):
        trade = graded.head(6).rename(columns={"carat": "How heavy", "cut": "Cut Grade"})
        source = write("in.csv", trade)
        with pytest.raises(CommandError, match="lacks columns: for coded carat"):
            score(source, tmp_path / "out.csv")
        printed, _ = score(source, tmp_path / "out.csv", "--column", "carat=How heavy")
        assert "columns: How heavy for carat, Cut Grade for cut" in printed
        assert prices(tmp_path / "out.csv") == expected
        with pytest.raises(CommandError, match="there is no column 'Mass'"):
            score(source, tmp_path / "other.csv", "--column", "carat=Mass")
        with pytest.raises(CommandError, match="give FIELD=HEADING"):
            score(source, tmp_path / "other.csv", "--column", "mass=How heavy")

    def test_columns_of_optional_properties_can_be_named(
        self, here, own_forest, own_stones, tmp_path
    ):
        activate(register(own_forest, "tests"))
        known = own_stones.head(6).drop(columns=["price", "report"])
        known.to_csv(tmp_path / "plain.csv", index=False)
        known.rename(columns={"shape": "Form", "fluorescence": "UV"}).to_csv(
            tmp_path / "in.csv", index=False
        )
        score(tmp_path / "plain.csv", tmp_path / "expected.csv")
        named = ("--column", "shape=Form", "--column", "fluorescence=UV")
        printed, _ = score(tmp_path / "in.csv", tmp_path / "out.csv", *named)
        assert "columns: Form for shape, UV for fluorescence" in printed
        assert prices(tmp_path / "out.csv") == prices(tmp_path / "expected.csv")
        with pytest.raises(CommandError, match="there is no column 'Kind'"):
            score(tmp_path / "in.csv", tmp_path / "other.csv", "--column", "shape=Kind")

    def test_a_property_that_the_version_does_not_know_has_no_column(
        self, here, graded, write, tmp_path
    ):
        with pytest.raises(CommandError, match="version 1 does not accept polish"):
            score(write("in.csv", graded), tmp_path / "out.csv", "--column", "polish=carat")

    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_a_version_of_round_natural_stones_refuses_others(
        self, here, graded, write, tmp_path, ending
    ):
        shapes = ["RBC", "Oval", None, "round", "Emerald", "RD"]
        grown = [False, False, False, False, False, True]
        kinds = {"Shape": shapes, "Lab Grown": grown}
        source = write(f"in.{ending}", graded.head(6).assign(**kinds))
        score(source, tmp_path / "out.csv")
        priced = pd.read_csv(tmp_path / "out.csv")
        refused = "shape: The data has no stones of this shape (Oval): all of them are round."
        assert priced["error"].isna().tolist() == [True, False, True, True, False, False]
        assert priced["error"][1] == refused
        assert "this origin (True): all of them are natural" in priced["error"][5]
        assert priced["predicted_price"].isna().tolist() == priced["error"].notna().tolist()

    def test_a_row_may_end_before_a_shape_that_the_version_does_not_know(
        self, here, graded, tmp_path
    ):
        stones = graded.head(2).drop(columns="reference").assign(Shape=["Round", ""])
        lines = stones.to_csv(index=False).rstrip(",\n")
        (tmp_path / "in.csv").write_text(lines)
        score(tmp_path / "in.csv", tmp_path / "out.csv")
        assert pd.read_csv(tmp_path / "out.csv")["error"].isna().all()

    def test_a_workbook(self, expected, graded, tmp_path):
        book = Workbook()
        for row in [list(graded.columns), *graded.head(6).to_numpy().tolist()]:
            book.active.append(row)
        book.create_sheet("May").append(["carat"])
        book.save(tmp_path / "in.xlsx")
        printed, _ = score(tmp_path / "in.xlsx", tmp_path / "out.csv")
        assert "the sheet 'Sheet' is read; left out: 'May'" in printed
        assert prices(tmp_path / "out.csv") == expected

    def test_a_row_of_separators_is_an_error_and_keeps_its_place(self, expected, graded, tmp_path):
        lines = graded.head(6).to_csv(index=False).splitlines(keepends=True)
        (tmp_path / "in.csv").write_text("".join([*lines[:3], "," * 9 + "\n", *lines[3:]]))
        score(tmp_path / "in.csv", tmp_path / "out.csv")
        found = read(tmp_path / "out.csv")
        assert len(found) == 7
        assert found.error[2].startswith("carat: Empty: give a number")
        assert found.predicted_price.drop(2).tolist() == expected

    def test_grades_of_laboratories_are_refused_with_what_to_choose(
        self, here, graded, write, tmp_path
    ):
        score(write("in.csv", graded.head(1).assign(cut="EX")), tmp_path / "out.csv")
        [error] = read(tmp_path / "out.csv").error
        assert error == (
            "cut: Excellent is a GIA grade; the best grade in the data is Ideal (AGS): choose "
            "Ideal or Premium."
        )

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_a_result_has_the_mark_that_spreadsheets_need_where_they_wrote_the_input(
        self, expected, graded, tmp_path, encoding
    ):
        (tmp_path / "in.csv").write_text(graded.head(6).to_csv(index=False, sep=";"), encoding)
        score(tmp_path / "in.csv", tmp_path / "out.csv")
        assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        found = pd.read_csv(tmp_path / "out.csv", sep=";", encoding="utf-8-sig")
        assert found.predicted_price.tolist() == expected

    def test_a_column_that_is_carried_along_may_be_long_and_of_many(
        self, expected, graded, write, tmp_path
    ):
        six = graded.head(6).assign(reference="x" * 100_000)
        many = pd.DataFrame({f"c{n}": ["x"] * 6 for n in range(MOST_COLUMNS - len(six.columns))})
        wide = pd.concat([six, many], axis=1)
        score(write("in.csv", wide), tmp_path / "out.csv")
        assert prices(tmp_path / "out.csv") == expected


@pytest.mark.parametrize("url", ["priced.csv", "./priced.csv", "file://{here}/priced.csv"])
def test_workers_in_another_folder_write_to_the_same_place(monkeypatch, tmp_path, url):
    monkeypatch.chdir(tmp_path)
    source = Mock(schema=pa.schema([]), separator=",", format="csv", for_spreadsheets=False)
    output = output_of(url.format(here=tmp_path), source, ())
    monkeypatch.chdir("/")
    assert (output.folder, output.file) == (
        f"{tmp_path}/priced.csv.parts",
        f"{tmp_path}/priced.csv",
    )


def test_a_relative_folder_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert (
        output_of("priced/", Mock(schema=pa.schema([])), (), "csv").folder == f"{tmp_path}/priced"
    )
    assert output_of("s3://a/b", Mock(schema=pa.schema([])), (), "csv").folder == "s3://a/b"
