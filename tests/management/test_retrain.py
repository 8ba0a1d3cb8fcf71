"""manage.py retrain: trains, registers, and does not activate a forest that is worse.

The same training is done once a run (`each_training_once`).
"""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from ml import dataset, training
from ml.forest import PriceForest, artifact
from predictor.models import Activation, ModelVersion
from predictor.retraining import gate
from predictor.versions.activation import live_version
from predictor.versions.store import load

from .retraining import kept_back, run, stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_training_once")]


class TestGate:
    def test_an_equal_candidate_goes_live(self, live_models, data):
        output = run(data)
        why = "its MAE is +0.00% compared with the active version; up to +1% is allowed"
        assert f"graded 2: activated: {why}" in output
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
                f"{scores['r2']:.4f}",
                f"{scores['mae']:.1f}",
                f"{scores['mape']:.1%}",
                f"{scores['stones']:,}",
            ):
                assert figure in line
        for head in ("graded", "R²", "RMSE", "MAE", "MAPE", "coverage", "stones"):
            assert head in "\n".join(lines)

    def test_a_worse_candidate_is_registered_but_kept_back(self, live_models, worse_data):
        output = kept_back(worse_data)
        assert "graded 2: not activated: its MAE is +" in output
        assert live_version("graded") == live_models["graded"]
        assert Activation.objects.filter(scheme="graded").count() == 1
        worse = ModelVersion.objects.get(scheme="graded", number=2)
        assert worse.data_sha256 == artifact.sha256_of(worse_data)
        assert load(worse).scheme == "graded"

    def test_a_worse_candidate_goes_live_where_it_is_forced(self, live_models, worse_data):
        output = run(worse_data, force=True)
        assert "graded 2: activated: its MAE is +" in output
        activation = Activation.objects.get(scheme="graded", live=True)
        assert activation.version.number == 2
        assert activation.why.startswith("retrain: forced; its MAE is +")

    @pytest.mark.parametrize("which", ["data", "worse_data"])
    def test_a_candidate_stays_back_where_that_is_asked_for(self, live_models, request, which):
        output = run(request.getfixturevalue(which), no_activate=True)
        assert "graded 2: not activated (--no-activate): its MAE is" in output
        assert live_version("graded") == live_models["graded"]
        assert ModelVersion.objects.filter(scheme="graded").count() == 2

    def test_the_first_version_goes_live(self, live_models, data):
        Activation.objects.filter(scheme="graded").delete()
        assert "graded 2: activated: no version is active" in run(data)

    def test_a_candidate_replaces_a_version_that_cannot_be_loaded(self, live_models, data):
        Path(live_models["graded"].artifact.path).unlink()
        assert "graded 2: activated: the active version cannot be loaded (" in run(data)
        assert live_version("graded").number == 2

    def test_too_few_unseen_stones_decide_nothing(self, live_models, data, monkeypatch):
        monkeypatch.setattr(training, "unseen_by_both", lambda raw, *_: raw.iloc[:99])
        output = kept_back(data)
        assert "graded 2: not activated: only 99 stones are new to both; 100 are needed" in output

    def test_a_version_that_stored_other_keys_is_compared_by_its_stones(
        self, live_models, small_forests, sample, monkeypatch
    ):
        forest = small_forests["graded"]
        stored = {"stone_keys": np.zeros((len(forest.arrays["weight"]), 16), np.uint8)}
        old = PriceForest(forest.arrays | stored, forest.metadata)
        monkeypatch.setattr(gate, "load", lambda version: old)
        verdict = gate.judge(forest, sample, live_models["graded"])
        assert verdict.passed
        assert len({scores["stones"] for scores in verdict.compared.values()}) == 1

    def test_a_version_without_its_stones_measurements_cannot_be_compared(
        self, live_models, small_forests, sample, monkeypatch
    ):
        forest = small_forests["graded"]
        arrays = {name: array for name, array in forest.arrays.items() if name != "recorded_x"}
        old = PriceForest(arrays, forest.metadata)
        monkeypatch.setattr(gate, "load", lambda version: old)
        verdict = gate.judge(forest, sample, live_models["graded"])
        assert not verdict.passed
        assert verdict.why == (
            "the active version cannot be compared (its file does not have the measurements of its "
            "training stones); check the new one, then use --force"
        )

    @pytest.mark.parametrize(("ratio", "passed"), [(0.9, True), (1.0099, True), (1.0101, False)])
    def test_the_gate_allows_one_percent(
        self, live_models, small_forests, sample, monkeypatch, ratio, passed
    ):
        scores = iter([{"mae": 300 * ratio}, {"mae": 300.0}])
        monkeypatch.setattr(training, "score", lambda *_: next(scores))
        verdict = gate.judge(small_forests["graded"], sample, live_models["graded"])
        assert verdict.passed is passed
        assert verdict.why == (
            f"its MAE is {ratio - 1:+.2%} compared with the active version; up to +1% is allowed"
        )


class TestWhatIsKept:
    def test_the_version_shows_data_seed_and_who(self, live_models, data, sample):
        run(data)
        version = ModelVersion.objects.get(scheme="graded", number=2)
        assert version.data_sha256 == artifact.sha256_of(data)
        assert version.seed == 7
        assert version.created_by
        assert version.sha256 == artifact.sha256_of(version.artifact.path)
        assert version.rows["raw"] == len(sample)
        assert version.scores["mae"] > 0

    @pytest.mark.parametrize("seed", ["-1", "4294967296", "x", "1.5", ""])
    def test_a_seed_that_scikit_learn_does_not_take_is_refused(self, live_models, data, seed):
        with pytest.raises(CommandError, match="--seed"):
            call_command("retrain", f"--seed={seed}", f"--data={data}")
        assert ModelVersion.objects.count() == 2

    def test_a_real_training_is_registered_and_can_be_loaded(
        self, live_models, sample, few, tmp_path
    ):
        path = tmp_path / "few.csv"
        few.to_csv(path, index=False)
        run(path, seed=3, no_activate=True)
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


@pytest.mark.parametrize("spoil", ["shuffled", "a hundredfold"])
def test_a_file_whose_prices_are_of_another_kind_does_not_go_live(
    live_models, few, tmp_path, spoil
):
    spoilt = few.copy()
    prices = few.price.to_numpy(copy=True)
    np.random.default_rng(1).shuffle(prices)
    spoilt["price"] = prices if spoil == "shuffled" else few.price * 100
    path = tmp_path / "spoilt.csv"
    spoilt.to_csv(path, index=False)
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("retrain", scheme="graded", data=path, year=2008, stdout=out)
    assert stopped.value.code == 3
    assert "the file's prices are of another kind; check them, then use --force" in " ".join(
        out.getvalue().split()
    )
    assert live_version("graded") == live_models["graded"]
