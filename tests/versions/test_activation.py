"""Which version is active: the database ensures one at a time, the history shows each change."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from ml.forest.artifact import ForestFileError
from predictor.models import Activation, ModelVersion
from predictor.versions import activation
from predictor.versions.activation import activate, live_version
from tests.damages import alter, delete, put_a_folder_there, truncate

from .answering import path_of, version_answering

pytestmark = pytest.mark.django_db


class TestDatabase:
    def test_two_live_versions_of_a_scheme_are_refused_by_the_database(self, live_models, second):
        with pytest.raises(IntegrityError), transaction.atomic():
            Activation.objects.create(scheme="coded", version=second, why="a second one", live=True)
        assert Activation.objects.filter(scheme="coded", live=True).count() == 1

    def test_an_old_activation_cannot_be_made_live_beside_the_present_one(
        self, live_models, second
    ):
        activate(second, "tests", "newer")
        with pytest.raises(IntegrityError), transaction.atomic():
            Activation.objects.filter(scheme="coded", live=False).update(live=True)

    def test_a_number_is_given_once_in_a_scheme(self, live_models):
        version = live_models["coded"]
        version.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            version.save(force_insert=True)

    def test_an_unknown_scheme_is_refused_by_the_database(self, live_models):
        version = live_models["coded"]
        version.pk, version.scheme = None, "other"
        with pytest.raises(IntegrityError), transaction.atomic():
            version.save(force_insert=True)

    def test_a_version_that_answered_cannot_be_deleted(self, client, live_models):
        assert version_answering(client) == 1
        with pytest.raises(ProtectedError):
            live_models["coded"].delete()


class TestHistory:
    def test_an_activation_records_what_it_replaced_by_whom_and_why(self, live_models, second):
        activate(second, "anna", "it is newer")
        last, first = Activation.objects.filter(scheme="coded")
        assert (last.version, last.replaced) == (second, live_models["coded"])
        assert (last.by, last.why, last.live, first.live) == ("anna", "it is newer", True, False)
        assert last.at > first.at
        assert live_version("coded") == second


def test_a_version_that_is_activated_meanwhile_is_not_retired(live_models, second, monkeypatch):
    one_at_a_time = activation.one_change_at_a_time
    with monkeypatch.context() as patch:

        def after_another(scheme):
            patch.undo()
            activate(second, "tests", "meanwhile")
            return one_at_a_time(scheme)

        patch.setattr(activation, "one_change_at_a_time", after_another)
        with pytest.raises(ValueError, match="coded 2 is active"):
            activation.retire(second)
    second.refresh_from_db()
    assert second.retired is None


class TestDamage:
    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (delete, "no such file"),
            (truncate, "cut short, or no forest file: its trailer is missing"),
            (alter(100_000), "altered: its sha256 is not the registered"),
            (put_a_folder_there, "directory"),
        ],
    )
    def test_a_version_whose_file_is_damaged_never_goes_live(
        self, client, live_models, second, fresh_registry, damage, said
    ):
        damage(path_of(second))
        with pytest.raises((ForestFileError, OSError), match=said):
            activate(second, "tests", "newer")
        assert Activation.objects.filter(scheme="coded").count() == 1
        fresh_registry.refresh()
        assert version_answering(client) == 1

    def test_activating_a_repaired_version_clears_its_failure(self, live_models, second):
        ModelVersion.objects.filter(pk=second.pk).update(failure="it was gone")
        activate(second, "tests", "repaired")
        second.refresh_from_db()
        assert second.failure == ""
