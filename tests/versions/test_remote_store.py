"""Forest files in S3: fetched once by each machine, checked, and errors of the store reported."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from diamondsite.settings import forests_in, known_store
from ml.forest.artifact import ForestFileError
from ml.forest.matrix import row_of
from predictor.backup import files
from predictor.management.commands._plain import PlainCommand
from predictor.models import ModelVersion
from predictor.versions import store
from predictor.versions.activation import activate
from predictor.versions.live import Registry
from predictor.versions.store import StoreUnavailable, load, register
from tests.stores import BUCKET, client_of

from .answering import CODED

pytestmark = [pytest.mark.once, pytest.mark.django_db]


@pytest.fixture
def bucket(s3_server, settings, tmp_path):
    """boto3's client of the bucket with this test's forests."""
    settings.VAR_DIR = tmp_path
    own = forests_in(f"s3://{BUCKET}/{tmp_path.name}")
    settings.STORAGES = {**settings.STORAGES, "default": own}
    return client_of(s3_server)


@pytest.fixture
def version(bucket, small_forests):
    return register(small_forests["coded"], "tests")


def object_of(version):
    """The name of a version's object in the bucket."""
    return default_storage._normalize_name(version.artifact.name)


@pytest.fixture
def downloads(monkeypatch):
    """The names of the downloaded files."""
    fetched, download = [], store._download

    def counted(version, aside):
        fetched.append(version.artifact.name)
        download(version, aside)

    monkeypatch.setattr(store, "_download", counted)
    return fetched


def test_a_file_is_fetched_once_and_answers(version, bucket, downloads, small_forests):
    found = bucket.list_objects_v2(Bucket=BUCKET, Prefix=object_of(version))["Contents"]
    assert [one["Key"] for one in found] == [object_of(version)]
    version = ModelVersion.objects.get()
    forests = [load(version) for _ in range(3)]
    assert downloads == [version.artifact.name]
    stone = row_of(CODED, "coded")
    assert forests[0].answer(stone) == small_forests["coded"].answer(stone)


def test_processes_of_a_machine_fetch_it_once_between_them(version, downloads):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: load(version), range(8)))
    assert len(downloads) == 1


@pytest.mark.parametrize(
    "change", [lambda file: file[: len(file) // 2], lambda file: file[:-9] + bytes(9)]
)
def test_half_a_file_is_not_taken_for_whole(version, bucket, change, settings):
    whole = bucket.get_object(Bucket=BUCKET, Key=object_of(version))["Body"].read()
    bucket.put_object(Bucket=BUCKET, Key=object_of(version), Body=change(whole))
    with pytest.raises(StoreUnavailable, match="the store returned a shortened or altered file"):
        load(version)
    assert not [*Path(settings.VAR_DIR, "cache").glob("*.forest")]
    bucket.put_object(Bucket=BUCKET, Key=object_of(version), Body=whole)
    assert load(version).scheme == "coded"


def test_a_file_that_is_gone(version, bucket):
    bucket.delete_object(Bucket=BUCKET, Key=object_of(version))
    with pytest.raises(StoreUnavailable, match=f"{version.artifact.name}: cannot be fetched"):
        load(version)


def test_a_store_that_refuses_keeps_the_earlier_version_answering(
    version, bucket, monkeypatch, other_forests
):
    activate(version, "tests", "the first")
    registry = Registry()
    registry.refresh()
    newer = register(other_forests["coded"], "tests")
    activate(newer, "tests", "a newer one")
    store._copy_of(newer).unlink()  # as on a machine that has no copy yet
    denied = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "GetObject")

    with monkeypatch.context() as patch:
        patch.setattr("storages.backends.s3.S3Storage._open", Mock(side_effect=denied))
        registry.refresh()
    assert registry.loaded()["coded"].version == version
    failed, why = registry.failed()["coded"]
    assert failed == newer
    assert "cannot be fetched" in why
    assert "403" in why
    newer.refresh_from_db()
    assert "403" in newer.failure
    monkeypatch.setattr("predictor.versions.live.time.monotonic", lambda: 1e12)  # a retry is due
    registry.refresh()
    assert registry.loaded()["coded"].version == newer


def test_a_machine_keeps_the_last_few(version, settings):
    cache = Path(settings.VAR_DIR, "cache")
    cache.mkdir()
    for number in range(10):
        path = cache / f"{number}.forest"
        path.touch()
        os.utime(path, (number, number))
    load(version)
    kept = [f"{number}.forest" for number in range(3, 10)]
    assert {path.name for path in cache.glob("*.forest")} == {*kept, f"{version.sha256}.forest"}


def test_what_is_damaged_here_is_fetched_anew(version, downloads):
    load(version)
    copy = store._copy_of(version)
    copy.write_bytes(copy.read_bytes()[:-200])
    with pytest.raises(ForestFileError):
        load(version)
    load(version)
    assert len(downloads) == 2


def test_a_backup_and_the_way_back(version, bucket, tmp_path):
    folder = tmp_path / "backup"
    assert files.dump(folder, {version.artifact.name: version.sha256}) == {}
    bucket.delete_object(Bucket=BUCKET, Key=object_of(version))
    without = files.dump(tmp_path / "another", {version.artifact.name: version.sha256})
    assert "does not exist" in without[version.artifact.name]
    assert files.restore(folder) == []
    assert load(version).scheme == "coded"


def test_a_store_that_takes_nothing(version, settings, small_forests):
    """A command reports it in one line."""

    class Register(PlainCommand):
        def handle(self, **options):
            register(small_forests["coded"], "tests")

    none = forests_in("s3://no-such-bucket/forests")
    settings.STORAGES = {**settings.STORAGES, "default": none}
    with pytest.raises(CommandError, match=r"^the store of the forests: .*NoSuchBucket"):
        call_command(Register())
    assert ModelVersion.objects.get() == version


@pytest.mark.parametrize(
    "url", ["bucket", "s3:///folder", "http://bucket", "s3://", "s3://a?b", "s3://a#b"]
)
def test_no_store(url):
    with pytest.raises(Exception, match=r"Must be an address like s3://bucket/folder\."):
        known_store(url)


def test_packages_that_are_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "botocore.config", None)
    with pytest.raises(
        ImproperlyConfigured, match=r"needs the packages of requirements-cluster\.txt"
    ):
        forests_in("s3://bucket")
