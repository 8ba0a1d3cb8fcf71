"""Scores a file: the same prices as the API, row by row, and one ScoringRun."""

import csv
import errno
import gzip
import json
import os
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from django.core.management.base import CommandError
from django.urls import reverse
from fsspec.implementations import local
from pyarrow import parquet

from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Prediction, ScoringRun
from predictor.scoring import parquet_files, pricing, services, text_files
from predictor.scoring.errors import ScoringError
from predictor.scoring.outputs import Output
from predictor.versions.activation import activate
from predictor.versions.store import register

from .conftest import read, score

WIDTH = "a separator too many or too few, or a decimal comma without quotes"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("out", ["priced.csv", "priced.parquet", "priced"])
def test_each_row_gets_what_the_api_answers(
    here, small_parts, graded, write, tmp_path, client, ending, out
):
    source = write(f"stones.{ending}", graded)
    printed, status = score(source, tmp_path / out)
    assert status == 0
    assert "1,000" in printed
    priced = read(tmp_path / out)
    assert priced.reference.tolist() == graded.reference.tolist()
    assert priced.error.isna().all()
    for row in range(0, 1000, 97):
        stone = graded.loc[row, list(SCHEMES["graded"])].to_dict()
        answer = client.get(reverse("predict"), stone).json()
        codes = dict.fromkeys(one["code"] for one in answer["warnings"])
        assert priced.predicted_price[row] == answer["predicted_price"]
        assert (priced.low[row], priced.high[row]) == (
            answer["price_range"]["low"],
            answer["price_range"]["high"],
        )
        assert (priced.warnings.fillna("")[row]).split() == [*codes]
    run = ScoringRun.objects.get()
    assert (run.state, run.rows, run.errors, run.scheme) == ("done", 1000, 0, "graded")
    assert (run.input, run.output) == (source, str(tmp_path / out))
    assert run.version == here["graded"]
    assert run.warned == (priced.warnings.fillna("") != "").sum() > 0
    assert run.by
    assert run.ended
    assert Prediction.objects.count() == len(range(0, 1000, 97))  # those of the API


def test_a_coded_file(here, write, tmp_path, client):
    stone = dict(carat=0.37, cut=3, color=0, clarity=2, depth=59.2, table=61.0, volume=60.063)
    score(write("coded.parquet", pd.DataFrame([stone])), tmp_path / "out.parquet")
    priced = read(tmp_path / "out.parquet")
    assert (
        priced.predicted_price[0] == client.get(reverse("predict"), stone).json()["predicted_price"]
    )


class TestBadRows:
    """An invalid row gets the API's messages in its error column; the run continues."""

    def test_csv(self, here, graded, tmp_path, client):
        head = ",".join(SCHEMES["graded"])
        good = "0.7,Ideal,G,VS1,61.5,56,5.73,5.7,3.51"
        rows = [
            good,
            "x,Ideal,G,VS1,61.5,56,5.73,5.7,3.51",
            "0.7,Ideal,Q,,61.5,56,5.73,5.7,nan",
            "9.9,Ideal,G,VS1,61.5,56,5.73,5.7,3.51",
            "0.7,Ideal,G,VS1",
            f"{good},7",
            "",
            good + ",,",
            " 0.7 , ideal ,g, vs1 ,+6.15e1,56.,5.73,5.7,3.51",
        ]
        (tmp_path / "in.csv").write_text("\n".join([head, *rows]) + "\n")
        _, status = score(tmp_path / "in.csv", tmp_path / "out.csv")
        assert status == 0
        priced = read(tmp_path / "out.csv")
        errors = priced.error.fillna("").tolist()
        assert errors == [
            "",
            "carat: “x” is not a number: give a number from 0.05 to 30 ct.",
            "color: The data has no stones of grade N–Z; its grades are J (worst) to D (best).; "
            "clarity: Empty: give one of I1, SI2, SI1, VS2, VS1, VVS2, VVS1, IF.; "
            "z: “nan” is not a finite number: give a number from 1 to 40 mm.",
            "carat: 9.9 ct is impossible: solid diamond of this size weighs 2.02 ct.",
            f"line 6: the header has 9 cells, this line 4: {WIDTH}",
            f"line 7: the header has 9 cells, this line 10: {WIDTH}",
            "",
            "",
        ]
        price = client.get(f"{reverse('predict')}?{query(head, good)}").json()["predicted_price"]
        assert priced.predicted_price[[0, 6, 7]].tolist() == [price] * 3
        assert priced.predicted_price[1:6].isna().all()
        assert ScoringRun.objects.get().errors == 5

    def test_parquet(self, here, graded, write, tmp_path):
        graded = graded.head(6).astype({"table": "float32", "cut": "category"})
        graded.loc[0, "carat"] = np.nan
        graded.loc[1, "x"] = np.inf
        graded.loc[2, "color"] = None
        table = pa.Table.from_pandas(graded)
        nulls = pa.array([0.7, 0.7, 0.7, None, 0.7, 0.7])
        table = table.set_column(0, "carat", nulls)
        score(write("in.parquet", table), tmp_path / "out.parquet")
        errors = read(tmp_path / "out.parquet").error
        assert errors[1] == "x: “Infinity” is not a finite number: give a number from 1 to 40 mm."
        assert errors[2] == "color: Empty: give one of J, I, H, G, F, E, D."
        assert errors[3] == "carat: Empty: give a number from 0.05 to 30 ct."

    def test_strict(self, here, graded, write, tmp_path):
        source = write("in.csv", graded.head(3).assign(carat=[0.7, 0, 0.7]))
        assert score(source, tmp_path / "a.csv", "--strict")[1] == 1
        assert len(read(tmp_path / "a.csv")) == 3
        fine = write("fine.csv", graded.head(3))
        assert score(fine, tmp_path / "b.csv", "--strict")[1] == 0


def query(head, row):
    return "&".join(map("=".join, zip(head.split(","), row.split(","), strict=True)))


class TestInputs:
    """Accepted values of IN."""

    def test_a_folder_and_a_pattern(self, here, small_parts, graded, write, tmp_path):
        for name in ("in/b.parquet", "in/a.parquet"):
            write(name, graded.assign(reference=name))
        (tmp_path / "in" / "_SUCCESS").write_text("{}")
        (tmp_path / "in" / "notes.md").write_text("no data")
        for number, source in enumerate((tmp_path / "in", tmp_path / "in" / "*.parquet")):
            score(source, tmp_path / f"out{number}")
            found = read(tmp_path / f"out{number}").reference.tolist()
            assert found == ["in/a.parquet"] * 1000 + ["in/b.parquet"] * 1000

    @pytest.mark.parametrize("out", ["in/out.csv", "in/more/out"])
    def test_no_result_is_put_where_the_next_run_prices_it(
        self, here, graded, write, tmp_path, out
    ):
        write("in/a.csv", graded.head(3))
        with pytest.raises(CommandError, match="all of which is priced: choose another folder"):
            score(tmp_path / "in", tmp_path / out)
        score(tmp_path / "in", tmp_path / "in" / "_out.csv")
        assert len(read(tmp_path / "in" / "_out.csv")) == 3

    def test_small_row_groups(self, here, small_parts, graded, write, tmp_path):
        score(write("in.parquet", graded, row_group_size=33), tmp_path / "out.parquet")
        assert read(tmp_path / "out.parquet").reference.tolist() == graded.reference.tolist()

    def test_cells_with_new_lines_and_marks(self, here, small_parts, graded, write, tmp_path):
        graded["reference"] = [f'{row}\n"so, called"' for row in range(1000)]
        score(write("in.csv", graded), tmp_path / "out.csv")
        assert read(tmp_path / "out.csv").reference.tolist() == graded.reference.tolist()


class TestGoingOn:
    """Finished parts are not repeated."""

    def interrupted(self, monkeypatch, source, out, *more, after=3):
        """A run that stops in the middle of a part."""
        done, price = [], pricing.priced

        def fail(*args):
            if len(done) == after:
                raise ScoringError("the plug was pulled")
            done.append(1)
            return price(*args)

        with monkeypatch.context() as patch:
            patch.setattr(pricing, "priced", fail)
            with pytest.raises(CommandError, match="the plug was pulled"):
                score(source, out, *more)

    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    @pytest.mark.parametrize("out", ["out", "out.csv"])
    def test_an_interrupted_run(
        self, here, small_parts, graded, write, tmp_path, monkeypatch, ending, out
    ):
        source, out = write(f"in.{ending}", graded), tmp_path / out
        self.interrupted(monkeypatch, source, out)
        run = ScoringRun.objects.get()
        assert (run.state, run.outcome) == ("failed", "the plug was pulled")
        assert not (tmp_path / "out.csv").exists()
        folder = tmp_path / "out.csv.parts" if out.suffix else out
        finished = sorted(folder.glob("part-*"))
        assert 1 <= len(finished) < 10
        assert not [*folder.glob("*.writing")]
        before = {part: part.stat().st_mtime_ns for part in finished}
        priced = []
        price = pricing.price_part
        monkeypatch.setattr(
            pricing,
            "price_part",
            lambda job, part: (priced.append(part.number), price(job, part))[1],
        )
        printed, _ = score(source, out)
        assert f"resuming: {len(finished) * 100} rows are already priced" in printed
        assert len(priced) == 10 - len(finished)
        if not out.suffix:
            assert {part: part.stat().st_mtime_ns for part in finished} == before
        assert read(out).reference.tolist() == graded.reference.tolist()
        run.refresh_from_db()
        assert ScoringRun.objects.count() == 1
        assert (run.state, run.rows, run.outcome) == ("done", 1000, "")

    def test_a_finished_run_has_nothing_to_do(
        self, here, small_parts, graded, write, tmp_path, monkeypatch
    ):
        source = write("in.csv", graded)
        score(source, tmp_path / "out")
        assert json.loads((tmp_path / "out" / "_SUCCESS").read_text())
        monkeypatch.setattr(pricing, "price_part", lambda *args: pytest.fail("priced again"))
        assert "resuming: 1,000 rows" in score(source, tmp_path / "out")[0]

    def test_another_input_is_refused(
        self, here, small_parts, graded, write, tmp_path, monkeypatch
    ):
        source = write("in.csv", graded)
        self.interrupted(monkeypatch, source, tmp_path / "out")
        write("in.csv", graded.head(900))
        with pytest.raises(
            CommandError, match="holds parts of another run, which differs in its input"
        ):
            score(source, tmp_path / "out")

    def test_other_columns_are_refused(
        self, here, small_parts, graded, write, tmp_path, monkeypatch
    ):
        source, heavy = write("in.csv", graded.assign(heavy=2)), "--column=carat=heavy"
        self.interrupted(monkeypatch, source, tmp_path / "a", heavy)
        self.interrupted(monkeypatch, source, tmp_path / "b")
        for out, more in (("a", ()), ("b", (heavy,))):
            with pytest.raises(CommandError, match="which differs in its columns"):
                score(source, tmp_path / out, *more)

    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_parts_of_another_size_are_refused(
        self, here, small_parts, graded, write, tmp_path, monkeypatch, ending
    ):
        source = write(f"in.{ending}", graded)
        self.interrupted(monkeypatch, source, tmp_path / "out")
        for module in (parquet_files, text_files):
            monkeypatch.setattr(module, "PART_ROWS", 150)
        with pytest.raises(CommandError, match="which differs in its part size"):
            score(source, tmp_path / "out")

    def test_another_release_is_refused(
        self, here, small_parts, graded, write, tmp_path, monkeypatch, settings
    ):
        source = write("in.csv", graded)
        self.interrupted(monkeypatch, source, tmp_path / "out")
        settings.SPECTACULAR_SETTINGS = {**settings.SPECTACULAR_SETTINGS, "VERSION": "0.9"}
        with pytest.raises(CommandError, match="which differs in its release"):
            score(source, tmp_path / "out")

    def test_a_second_run_that_is_killed_loses_no_row_of_the_first(
        self, here, small_parts, graded, write, tmp_path, monkeypatch
    ):
        planned = services.prepare(write("in.parquet", graded), str(tmp_path / "out"), None, "csv")
        second, price = [], pricing.priced

        def begin_the_first_part(*args):
            second.append(planned.output.part(0))
            second[-1].__enter__()
            return price(*args)

        monkeypatch.setattr(pricing, "priced", begin_the_first_part)
        services.run(planned, 1)
        assert read(tmp_path / "out").reference.tolist() == graded.reference.tolist()
        assert not [*(tmp_path / "out").glob("*.writing")]

    def test_of_two_that_begin_at_the_same_moment_the_second_is_refused(
        self, here, small_parts, graded, write, tmp_path, monkeypatch
    ):
        source, out = write("in.csv", graded), tmp_path / "out"
        first = services.prepare(source, str(out))
        with monkeypatch.context() as patch:  # the second does not see the first one's plan yet
            patch.setattr(Output, "_names", lambda output: [])
            patch.setattr(Output, "earlier_plan", lambda output: None)
            with pytest.raises(CommandError, match="out: another run has just begun there"):
                score(source, out)
        assert [path.name for path in out.iterdir()] == ["_plan.json"]
        assert services.run(first, 1).rows == 1000

    def test_a_run_that_was_killed_while_it_wrote_its_plan(self, here, graded, write, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "_plan.json.0.writing").write_text('{"input"')
        score(write("in.csv", graded.head(3)), tmp_path / "out")
        assert len(read(tmp_path / "out")) == 3
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "_SUCCESS",
            "_plan.json",
            "part-00000.csv",
        ]

    def test_it_goes_on_with_the_version_that_began_it(
        self, here, small_parts, graded, write, tmp_path, monkeypatch, other_forests
    ):
        source = write("in.csv", graded)
        self.interrupted(monkeypatch, source, tmp_path / "out")
        activate(register(other_forests["graded"]), "tests", "a newer one")
        score(source, tmp_path / "out")
        assert ScoringRun.objects.get().version == here["graded"]


def test_what_was_refused_leaves_no_row(here, tmp_path):
    with pytest.raises(CommandError, match="no such file"):
        score(tmp_path / "none.csv", tmp_path / "out")
    assert not ScoringRun.objects.exists()
    assert not (tmp_path / "out").exists()


def refused(tmp_path):
    """{description: (name of IN, its content, error message)}; content: text, bytes or a table."""
    full = pd.DataFrame([EXAMPLES["graded"][0]])
    both = full.assign(volume=100.0)
    return {
        "empty": ("a.csv", "", "the file is empty"),
        "zip": ("a.csv", b"PK\x03\x04\0\0\0", "the zip file is cut short or damaged"),
        "bytes": ("a.csv", b"carat,\x81\x83\n1,2\n", "is not text: save the table as CSV in UTF-8"),
        "JSON": ("a.csv", '[{"carat": 1}]', "is JSON: save the table as CSV"),
        "Feather": ("a.feather", b"ARROW1\0\0", "is a Feather file: save the table as CSV"),
        "ORC": ("a.orc", b"ORC" + bytes(9), "is an ORC file: save the table as CSV"),
        "no rows": ("a.csv", full.head(0).to_csv(index=False), "no rows below the header"),
        "missing columns": (
            "a.csv",
            "carat,cut\n1,Ideal\n",
            "lacks columns: for coded color, clarity, depth, table, volume; for graded "
            "color, clarity, depth, table, x, y, z",
        ),
        "both schemes": (
            "a.csv",
            both.to_csv(index=False),
            "columns of both schemes: choose one with --scheme",
        ),
        "a column twice": (
            "a.csv",
            full.to_csv(index=False, header=[*full.columns[:-1], "carat"]),
            "line 1: column carat appears twice, as number 1 and 9",
        ),
        "an added one": (
            "a.csv",
            full.assign(low=1).to_csv(index=False),
            "has a column low, which the output adds: rename it",
        ),
        "cut Parquet": ("a.parquet", b"PAR1" + bytes(100), "cannot be read as Parquet"),
        "a date": (
            "a.parquet",
            full.assign(carat=pd.Timestamp("2026-01-01")),
            "column carat is timestamp",
        ),
        "an endless cell": (
            "a.csv",
            full.to_csv(index=False) + '"' + "x" * 200_000,
            "line 3: a cell has over 131,072 characters, or a quotation mark is missing",
        ),
        "a quotation mark too few": (
            "a.csv",
            "reference,"
            + full.to_csv(index=False).replace("0.7,", '"S-1,0.7,')
            + '"S-2",0.7,Ideal\n',
            "line 2 is not valid CSV: a quotation mark is missing or there is one too many",
        ),
        "a header cell of 131,073 characters": (
            "a.csv",
            f'"{"x" * 131_073}",' + full.to_csv(index=False),
            "line 1: a cell has over 131,072 characters, or a quotation mark is missing",
        ),
        "a header without an end": (
            "a.csv.gz",
            gzip.compress(b"x" * 50_000_000),
            "line 1 is longer than 1,000,000 characters",
        ),
        "a hundred thousand columns": (
            "a.csv",
            ",".join(f"c{n}" for n in range(100_000)),
            "the header has more than 2,000 columns",
        ),
    }


@pytest.mark.parametrize("what", refused(None))
def test_an_unusable_input_is_reported(here, write, tmp_path, what):
    name, content, says = refused(tmp_path)[what]
    path = tmp_path / name
    if isinstance(content, pd.DataFrame):
        write(name, content)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CommandError, match="a\\.") as errors:
        score(path, tmp_path / "out")
    assert says in str(errors.value)
    assert "\n" not in str(errors.value)
    assert not [*tmp_path.glob("out/part-*")]


class TestSeveralFiles:
    """Files that do not belong together, and parts that cannot be read."""

    @pytest.mark.parametrize(
        ("name", "change", "says"),
        [
            ("b.csv", lambda t: t.drop(columns="z"), r"b\.csv lacks columns: z"),
            ("b.parquet", lambda t: t, r"b\.parquet is parquet, .*a\.csv is csv"),
        ],
    )
    def test_other_columns_and_formats(self, here, graded, write, tmp_path, name, change, says):
        write("in/a.csv", graded)
        write(f"in/{name}", change(graded))
        with pytest.raises(CommandError, match=says):
            score(tmp_path / "in", tmp_path / "out")

    def test_other_types(self, here, graded, write, tmp_path):
        write("in/a.parquet", graded)
        write("in/b.parquet", graded.astype({"depth": str}))
        with pytest.raises(
            CommandError, match=r"b\.parquet: column depth is (large_)?string, double"
        ):
            score(tmp_path / "in", tmp_path / "out")

    def test_a_part_that_is_broken_inside(self, here, small_parts, graded, write, tmp_path):
        source = write("in.parquet", graded, row_group_size=100, compression="gzip")
        place = parquet.ParquetFile(source).metadata.row_group(5).column(0).data_page_offset
        content = bytearray((tmp_path / "in.parquet").read_bytes())
        content[place : place + 60] = bytes(60)
        (tmp_path / "in.parquet").write_bytes(content)
        with pytest.raises(CommandError, match=r"in\.parquet: cannot be read as Parquet"):
            score(source, tmp_path / "out")
        assert 1 <= len([*(tmp_path / "out").glob("part-*")]) < 10
        assert not (tmp_path / "out" / "_SUCCESS").exists()


class TestOutputs:
    """Refused values of OUT."""

    @pytest.fixture
    def source(self, here, graded, write):
        return write("in.csv", graded)

    def test_a_file_that_is_there(self, source, tmp_path):
        (tmp_path / "out.csv").write_text("mine")
        with pytest.raises(CommandError, match=r"out\.csv already exists"):
            score(source, tmp_path / "out.csv")
        assert (tmp_path / "out.csv").read_text() == "mine"

    def test_a_folder_of_something_else(self, source, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").write_text("mine")
        with pytest.raises(CommandError, match="out already exists, without a run"):
            score(source, tmp_path / "out")
        assert [*(tmp_path / "out").iterdir()] == [tmp_path / "out" / "mine"]

    def test_a_format_that_its_name_denies(self, source, tmp_path):
        with pytest.raises(CommandError, match=r"ends in \.csv, --format says parquet"):
            score(source, tmp_path / "out.csv", "--format", "parquet")

    def test_a_column_that_csv_cannot_hold(self, here, graded, write, tmp_path):
        table = pa.Table.from_pandas(graded).append_column("list", pa.array([[1]] * 1000))
        with pytest.raises(
            CommandError, match=r"out\.csv: CSV cannot hold the column list, which is list"
        ):
            score(write("in.parquet", table), tmp_path / "out.csv")

    def test_a_full_disk(self, source, small_parts, tmp_path, monkeypatch):
        planned = services.prepare(source, str(tmp_path / "out"))
        monkeypatch.setattr(
            local.LocalFileOpener,
            "write",
            Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
        )
        with pytest.raises(ScoringError, match="out: cannot be written: No space left on device"):
            services.run(planned)
        assert not [*(tmp_path / "out").glob("part-*")]
        assert ScoringRun.objects.get().state == "failed"


def test_no_version_is_live(db, write, graded, tmp_path):
    with pytest.raises(CommandError, match="no version of graded is active"):
        score(write("in.csv", graded), tmp_path / "out")


RUN = {"=1+1": "'=1+1", "a;@b": "a;'@b", "-5": "-5", "plain": "plain", "'=x": "'=x"}
"""{a cell that is carried along: what is in the CSV file}."""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_no_cell_of_the_result_is_run_by_a_spreadsheet(here, graded, write, tmp_path, ending):
    stones = graded.head(len(RUN)).assign(**{"=own": [*RUN], "cut": ["=2", *graded.cut[1:5]]})
    source = write(f"stones.{ending}", stones)
    score(source, tmp_path / "priced.csv")
    rows = rows_of(tmp_path / "priced.csv")
    expected = [*RUN.values()]
    if ending == "parquet":  # where an apostrophe is no sign of a spreadsheet's
        expected[-1] = "''=x"
    assert [row["'=own"] for row in rows] == expected
    assert "'=2" in rows[0]["cut"]
    score(tmp_path / "priced.csv", tmp_path / "again.csv")
    assert rows_of(tmp_path / "again.csv") == rows
    score(source, tmp_path / "priced.parquet")
    own = read(tmp_path / "priced.parquet")["=own"].tolist()
    assert own == (["=1+1", "a;@b", "-5", "plain", "=x"] if ending == "csv" else [*RUN])


def rows_of(path):
    with path.open(newline="") as file:
        return [*csv.DictReader(file)]


def test_a_number_that_a_later_cell_could_complete_is_disarmed(here, graded, write, tmp_path):
    stones = graded.head(2)[["reference", *SCHEMES["graded"]]]
    stones = stones.assign(reference=["-1", "-1"], note=["cmd|' /C calc'!A0", "nice"])
    score(write("stones.csv", stones), tmp_path / "priced.csv")
    assert pd.read_csv(tmp_path / "priced.csv", dtype=str).reference.tolist() == ["'-1", "-1"]
