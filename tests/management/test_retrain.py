"""manage.py retrain: train, register, and a gate that keeps a worse forest from going live.

The same training is done once for the whole file: `retrain` here takes it from `trained`.
"""

import fcntl
import gzip
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from ml import dataset, training
from ml.forest import PriceForest, artifact
from ml.reading import reader
from predictor.models import Activation, ModelVersion
from predictor.versions import retraining
from predictor.versions.activation import live_version
from predictor.versions.store import load

pytestmark = pytest.mark.django_db
COLUMNS = ",".join(dataset.COLUMNS)


@pytest.fixture(scope="module")
def data(sample, tmp_path_factory):
    """A CSV file of the sample: what the live versions of these tests were trained from."""
    path = tmp_path_factory.mktemp("data") / "sample.csv"
    sample.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def worse_data(sample, tmp_path_factory):
    """The sample, the prices of its training side shuffled: its held-out side tells the truth."""
    side, _ = dataset.split(dataset.clean(sample, "graded").stones, "graded")
    shuffled = sample.copy()
    prices = side.price.to_numpy(copy=True)
    np.random.default_rng(1).shuffle(prices)
    shuffled.loc[side.index, "price"] = prices
    path = tmp_path_factory.mktemp("data") / "shuffled.csv"
    shuffled.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def trained(sample, small_forests):
    """{(data, scheme, seed): forest}, filled by the trainings of this file."""
    return {(_digest(sample), scheme, 7): forest for scheme, forest in small_forests.items()}


def _digest(raw):
    return int(pd.util.hash_pandas_object(raw, index=False).sum())


@pytest.fixture(autouse=True)
def each_training_once(monkeypatch, trained):
    """Trainings of the same stones with the same seed are done once."""
    train = training.train

    def train_once(raw, scheme, seed, progress=None, data_sha256=""):
        key = _digest(raw), scheme, seed
        if key not in trained:
            trained[key] = train(raw, scheme, seed, progress, data_sha256)
        forest = trained[key]
        return PriceForest(forest.arrays, {**forest.metadata, "data_sha256": data_sha256})

    monkeypatch.setattr(training, "train", train_once)


def run(data, **options):
    """What retrain prints; SystemExit where it keeps a version back."""
    out = StringIO()
    options = {"scheme": "graded", "seed": 7, **options}
    try:
        call_command("retrain", data=str(data), stdout=out, **options)
    except SystemExit as stop:
        stop.out = out.getvalue()
        raise
    return out.getvalue()


def kept_back(data, **options):
    with pytest.raises(SystemExit) as stop:
        run(data, **options)
    assert stop.value.code == 3
    return stop.value.out


def stored_files(settings):
    """All files below VAR_DIR and the storage, but the lock."""
    folders = {Path(settings.VAR_DIR), Path(settings.MEDIA_ROOT)}
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    return {path for path in files if path.name != "retrain.lock"}


class TestGate:
    def test_an_equal_candidate_goes_live(self, live_models, data):
        said = run(data)
        why = "its MAE is +0.00% against the live one's; up to +1% is allowed"
        assert f"graded 2: live: {why}" in said
        activation = Activation.objects.get(scheme="graded", live=True)
        assert (activation.version.number, activation.replaced.number) == (2, 1)
        assert activation.why == f"retrain: {why}"

    def test_the_table_has_the_scores_of_both_on_the_same_stones(self, live_models, data, sample):
        lines = run(data).splitlines()
        [candidate] = [line for line in lines if "candidate" in line]
        [live] = [line for line in lines if "live (1)" in line]
        scores = live_models["graded"].scores
        for line in (candidate, live):
            for figure in (
                f"{scores['r2']:.4f}", f"{scores['mae']:.1f}", f"{scores['mape']:.1%}",
                f"{scores['stones']:,}",
            ):  # fmt: skip
                assert figure in line
        for head in ("graded", "R²", "RMSE (USD)", "MAE (USD)", "MAPE", "coverage", "stones"):
            assert head in "\n".join(lines)

    def test_a_worse_candidate_is_registered_but_kept_back(self, live_models, worse_data):
        said = kept_back(worse_data)
        assert "graded 2: kept back: its MAE is +" in said
        assert live_version("graded") == live_models["graded"]
        assert Activation.objects.filter(scheme="graded").count() == 1
        worse = ModelVersion.objects.get(scheme="graded", number=2)
        assert worse.data_sha256 == artifact.sha256_of(worse_data)
        assert load(worse).scheme == "graded"

    def test_a_worse_candidate_goes_live_where_it_is_forced(self, live_models, worse_data):
        said = run(worse_data, force=True)
        assert "graded 2: live: its MAE is +" in said
        activation = Activation.objects.get(scheme="graded", live=True)
        assert activation.version.number == 2
        assert activation.why.startswith("retrain: forced; its MAE is +")

    @pytest.mark.parametrize("which", ["data", "worse_data"])
    def test_a_candidate_stays_back_where_that_is_asked_for(self, live_models, request, which):
        said = run(request.getfixturevalue(which), no_activate=True)
        assert "graded 2: not activated, as asked: its MAE is" in said
        assert live_version("graded") == live_models["graded"]
        assert ModelVersion.objects.filter(scheme="graded").count() == 2

    def test_the_first_version_goes_live(self, live_models, data):
        Activation.objects.filter(scheme="graded").delete()
        assert "graded 2: live: no version is live" in run(data)
        assert Activation.objects.get(scheme="graded").replaced is None

    def test_a_candidate_replaces_a_version_that_cannot_be_loaded(self, live_models, data):
        Path(live_models["graded"].artifact.path).unlink()
        assert "graded 2: live: the live version cannot be loaded (" in run(data)
        assert live_version("graded").number == 2

    def test_too_few_unseen_stones_decide_nothing(self, live_models, data, monkeypatch):
        monkeypatch.setattr(training, "unseen_by_both", lambda raw, *_: raw.iloc[:99])
        said = kept_back(data)
        assert "graded 2: kept back: only 99 stones are unseen by both; it takes 100" in said

    @pytest.mark.parametrize(("ratio", "passed"), [(0.9, True), (1.0099, True), (1.0101, False)])
    def test_the_gate_allows_one_percent(
        self, live_models, small_forests, sample, monkeypatch, ratio, passed
    ):
        scores = iter([{"mae": 300 * ratio}, {"mae": 300.0}])
        monkeypatch.setattr(training, "score", lambda *_: next(scores))
        verdict = retraining.judge(small_forests["graded"], sample, live_models["graded"])
        assert verdict.passed is passed
        assert verdict.why == (
            f"its MAE is {ratio - 1:+.2%} against the live one's; up to +1% is allowed"
        )

    def test_both_schemes_are_trained_unless_one_is_asked_for(self, live_models, data):
        said = run(data, scheme="all")
        assert "coded 2: live" in said
        assert "graded 2: live" in said
        assert {live_version(scheme).number for scheme in ("coded", "graded")} == {2}


class TestWhatIsKept:
    def test_the_version_tells_data_seed_and_who(self, live_models, data, sample):
        run(data)
        version = ModelVersion.objects.get(scheme="graded", number=2)
        assert version.data_sha256 == artifact.sha256_of(data)
        assert version.seed == 7
        assert version.created_by
        assert version.sha256 == artifact.sha256_of(version.artifact.path)
        assert version.rows["raw"] == len(sample)
        assert version.scores["mae"] > 0

    @pytest.mark.parametrize("seed", ["0", "4294967295"])
    def test_the_seed_is_the_one_asked_for(self, live_models, data, monkeypatch, seed):
        asked = []
        forest = live_models and load(live_models["graded"])
        monkeypatch.setattr(
            training, "train", lambda raw, scheme, number, *_: asked.append(number) or forest
        )
        call_command(
            "retrain", "--seed", seed, "--scheme=graded", f"--data={data}", stdout=StringIO()
        )
        assert asked == [int(seed)]

    @pytest.mark.parametrize("seed", ["-1", "4294967296", "x", "1.5", ""])
    def test_a_seed_that_scikit_learn_does_not_take_is_refused(self, live_models, data, seed):
        with pytest.raises(CommandError, match="--seed"):
            call_command("retrain", f"--seed={seed}", f"--data={data}")
        assert ModelVersion.objects.count() == 2

    def test_force_and_no_activate_exclude_each_other(self, live_models, data):
        with pytest.raises(CommandError, match="not allowed with argument"):
            call_command("retrain", "--force", "--no-activate", f"--data={data}")

    def test_a_real_training_is_registered_and_can_be_loaded(
        self, live_models, sample, tmp_path, monkeypatch
    ):
        few = tmp_path / "few.csv"
        sample.iloc[::2].head(1100).to_csv(few, index=False)
        run(few, seed=3, no_activate=True)
        version = ModelVersion.objects.get(scheme="graded", number=2)
        forest = load(version)
        assert forest.metadata["seed"] == version.seed == 3
        stones = dataset.clean(sample, "graded").stones.head(5)
        assert (forest.price(stones) > 0).all()

    def test_nothing_is_left_but_the_forest_files(self, live_models, data, settings):
        before = stored_files(settings)
        run(data)
        [new] = stored_files(settings) - before
        assert new == Path(ModelVersion.objects.get(scheme="graded", number=2).artifact.path)

    def test_the_remains_of_a_killed_run_are_swept_away(self, live_models, data, settings):
        remains = Path(settings.VAR_DIR) / "tmp" / "forest-killed" / "graded.forest.part"
        remains.parent.mkdir(parents=True)
        remains.write_bytes(b"half a forest")
        run(data)
        assert not remains.exists()


def line(**changes):
    """A row of the table, with changes."""
    row = dict(carat=0.7, cut="Ideal", color="G", clarity="VS1", depth=61.5, table=56, price=2700,
               x=5.73, y=5.7, z=3.51)  # fmt: skip
    return ",".join(str(value) for value in {**row, **changes}.values())


def table(*rows, header=COLUMNS):
    return "\n".join([header, *rows, ""]).encode()


BAD_FILES = {
    "an unknown cut": (
        table(line(), line(cut="Idael")),
        "line 3, column cut: 'Idael' is no cut grade (Fair, Good, Very Good, Premium, Ideal)",
    ),
    "an unknown column": (
        table(line() + ",1", header=COLUMNS + ",lab"),
        "columns beside carat, cut, color, clarity, depth, table, price, x, y, z: 'lab': "
        "take them out, or: --extra-columns ignore",
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
        gzip.compress(table(*[line()] * 1000)), "holds over 10 KiB: no more is read",
    ),
}  # fmt: skip


class TestOutages:
    """What is not the data's fault is told in one line too, and nothing is registered."""

    def test_a_full_disk(self, live_models, data, settings, monkeypatch):
        def fail(*args):
            raise OSError(28, "No space left on device")

        before = stored_files(settings)
        monkeypatch.setattr(artifact, "save", fail)
        with pytest.raises(CommandError, match=r"^No space left on device$"):
            run(data)
        assert ModelVersion.objects.count() == Activation.objects.count() == 2
        assert stored_files(settings) == before

    def test_a_database_that_takes_no_row_is_left_no_file(
        self, live_models, data, settings, monkeypatch
    ):
        def fail(*args, **kwargs):
            raise OperationalError("the connection is lost\nLINE 1: INSERT")

        before = stored_files(settings)
        monkeypatch.setattr(ModelVersion, "save", fail)
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
        content, said = BAD_FILES[name]
        path = tmp_path / "bad.csv"
        path.write_bytes(content)
        if name == "a bomb":
            monkeypatch.setattr(reader, "LIMIT", 10 * 2**10)
        self.assert_refused(path, said, settings, scheme="all")

    @pytest.mark.parametrize(
        ("name", "said"), [("missing.csv", "no such file"), ("", "is a folder, not a file")]
    )
    def test_what_is_no_file_is_refused(self, live_models, settings, tmp_path, name, said):
        self.assert_refused(tmp_path / name, said, settings)

    def assert_refused(self, path, said, settings, **options):
        before = stored_files(settings)
        with pytest.raises(CommandError) as caught:
            run(path, **options)
        assert str(caught.value) == f"{path}: {said}"
        assert stored_files(settings) == before
        assert ModelVersion.objects.count() == Activation.objects.count() == 2

    def test_no_file_is_not_the_default_file(self, live_models):
        with pytest.raises(CommandError, match=r"^--data is empty: name a file or leave it out$"):
            run("")
        assert ModelVersion.objects.count() == 2

    def test_what_was_made_of_a_file_is_said_once(self, live_models, sample, tmp_path):
        path = tmp_path / "diamonds.csv.gz"
        sample.assign(lab="GIA").to_csv(path, sep=";", decimal=",")
        said = run(path, scheme="all", extra_columns="ignore")
        assert said.startswith(
            f"{path}: unpacked: it is a gzip file\n"
            f"{path}: cells are separated by semicolons\n"
            f"{path}: column 1 ('') numbers the rows, left out\n"
            f"{path}: columns left out: 'lab'\n"
            f"{path}: decimals are marked by commas\n"
        )
        assert said.count("semicolons") == 1
        assert "graded 2: live: its MAE is +0.00%" in said
        for version in ModelVersion.objects.filter(number=2):
            assert version.data_sha256 == artifact.sha256_of(path)

    def test_a_plain_file_needs_no_words(self, live_models, data):
        assert str(data) not in run(data)


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
        assert "graded 2: live" in run(data)

    def test_the_lock_is_given_back_after_a_failure(self, live_models, settings, tmp_path):
        with pytest.raises(CommandError, match="no such file"):
            run(tmp_path / "missing.csv")
        with (Path(settings.VAR_DIR) / "retrain.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("spoil", ["shuffled", "a hundredfold"])
def test_a_file_whose_prices_are_of_another_kind_does_not_go_live(
    live_models, sample, tmp_path, spoil
):
    spoilt = sample.copy()
    prices = sample.price.to_numpy(copy=True)
    np.random.default_rng(1).shuffle(prices)
    spoilt["price"] = prices if spoil == "shuffled" else sample.price * 100
    path = tmp_path / "spoilt.csv"
    spoilt.to_csv(path, index=False)
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("retrain", scheme="graded", data=path, stdout=out)
    assert stopped.value.code == 3
    assert "the file's prices are of another kind; look at them, then --force" in " ".join(
        out.getvalue().split()
    )
    assert live_version("graded") == live_models["graded"]
