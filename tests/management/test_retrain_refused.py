"""manage.py retrain fails with one line: bad data, an outage, another run; nothing changes."""

import gzip
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.core.management import CommandError
from django.db import OperationalError

from ml import dataset
from ml.forest import artifact
from ml.tables import reader
from predictor.models import Activation, ModelVersion
from tests.ml.tables.files import row as line
from tests.ml.tables.files import table

from .retraining import run, stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_training_once")]
COLUMNS = ",".join(dataset.COLUMNS)


BAD_FILES = {
    "an unknown cut": (
        table(line(), line(cut="Idael")),
        "1 of 2 rows (50.0%) cannot be used, and --max-left-out is 5%: 1 cut is not a known grade "
        "(line 3: 'Idael')",
    ),
    "too many bad rows": (
        table(*[line()] * 5, *[line(price="")] * 4, line(color="K?")),
        "5 of 10 rows (50.0%) cannot be used, and --max-left-out is 5%: 4 price is empty (line 7, line 8, "
        "line 9, …); 1 color is not a known grade (line 11: 'K?')",
    ),
    "no table percentage": (
        table(header=COLUMNS.replace(",table", ",tab")),
        "line 1: columns are missing: table; there are 'carat', 'cut', 'color', 'clarity', 'depth', 'tab', "
        "'price', 'x', 'y', 'z'",
    ),
    "few rows": (
        table(*[line(carat=0.7 + i / 1e5) for i in range(999)]),
        "999 usable rows; a forest needs 1,000",
    ),
    "few usable rows": (
        table(*[line()] * 900, *[line(x=0)] * 200),
        "900 usable rows; a forest needs 1,000; 200 zero dimension",
    ),
    "one impossible stone": (
        table(*[line(carat=20)] * 3000),
        "1 different stones at 1 different prices to train on; a forest needs 30 at 10",
    ),
    "one price": (
        table(*[line(carat=round(0.7 + i / 100, 2)) for i in range(10)] * 300),
        "10 different stones at 1 different prices to train on; a forest needs 30 at 10",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n" * 20, "is a PNG picture: save the table as CSV"),
    "a bomb": (
        gzip.compress(table(*[line()] * 1000)),
        "is larger than 10 KiB when unpacked",
    ),
}


class TestOutages:
    """Failures that the data did not cause are reported in one line too, and nothing is registered."""

    def test_a_full_disk(self, live_models, data, settings, monkeypatch):
        before = stored_files(settings)
        monkeypatch.setattr(
            artifact, "save", Mock(side_effect=OSError(28, "No space left on device"))
        )
        with pytest.raises(CommandError, match=r"^No space left on device$"):
            run(data)
        assert ModelVersion.objects.count() == Activation.objects.count() == 2
        assert stored_files(settings) == before

    def test_a_database_that_takes_no_row_is_left_no_file(
        self, live_models, data, settings, monkeypatch
    ):
        before = stored_files(settings)
        monkeypatch.setattr(
            ModelVersion,
            "save",
            Mock(side_effect=OperationalError("the connection is lost\nLINE 1: INSERT")),
        )
        with pytest.raises(
            CommandError, match=r"^the database is unusable: the connection is lost$"
        ):
            run(data)
        monkeypatch.undo()
        assert ModelVersion.objects.count() == Activation.objects.count() == 2
        assert stored_files(settings) == before


class TestData:
    @pytest.mark.parametrize("name", BAD_FILES)
    def test_a_bad_file_is_refused_and_nothing_changes(
        self, live_models, settings, tmp_path, monkeypatch, name
    ):
        content, message = BAD_FILES[name]
        path = tmp_path / "bad.csv"
        path.write_bytes(content)
        if name == "a bomb":
            monkeypatch.setattr(reader, "LIMIT", 10 * 2**10)
        self.assert_refused(path, message, settings, scheme="all")

    def assert_refused(self, path, message, settings, **options):
        before = stored_files(settings)
        with pytest.raises(CommandError) as caught:
            run(path, **options)
        assert str(caught.value) == f"{path}: {message}"
        assert stored_files(settings) == before
        assert ModelVersion.objects.count() == Activation.objects.count() == 2

    def test_no_file_is_not_the_default_file(self, live_models):
        with pytest.raises(
            CommandError, match=r"^--data is empty: give a file or omit the option$"
        ):
            run("")
        assert ModelVersion.objects.count() == 2

    def test_what_was_made_of_a_file_is_said_once(self, live_models, sample, tmp_path):
        path = tmp_path / "diamonds.csv.gz"
        sample.assign(owner="A").to_csv(path, sep=";", decimal=",")
        message = run(path, scheme="all")
        assert message.startswith(
            f"{path}: unpacked: it is a gzip file\n"
            f"{path}: cells are separated by semicolons\n"
            f"{path}: column 1 ('') numbers the rows, left out\n"
            f"{path}: columns left out: 'owner'\n"
            f"{path}: decimals are marked by commas\n"
        )
        assert message.count("semicolons") == 1
        assert "graded 2: activated: its MAE is +0.00%" in message
        for version in ModelVersion.objects.filter(number=2):
            assert version.data_sha256 == artifact.sha256_of(path)


HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


class TestOnlyOne:
    def test_a_second_run_says_that_one_is_running(self, live_models, data, settings):
        lock = Path(settings.VAR_DIR) / "retrain.lock"
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(CommandError, match=r"^a retraining is running already$"):
                run(data)
            assert ModelVersion.objects.count() == 2
            other.kill()
        assert "graded 2: activated" in run(data)
