"""Work that only one process may do at a time."""

import fcntl
from contextlib import closing

import pytest
from django.db import connections

from predictor.history.locks import Busy, one_at_a_time


def is_free(path):
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.django_db
def test_a_block_holds_the_lock_of_its_name_and_releases_it_at_its_end(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    with one_at_a_time("example"), one_at_a_time("another"):
        assert not is_free(tmp_path / "run" / "example.lock")
    assert is_free(tmp_path / "run" / "example.lock")


@pytest.mark.django_db
def test_who_does_not_wait_is_refused(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    with one_at_a_time("example"), pytest.raises(Busy), one_at_a_time("example", wait=False):
        pass
    with one_at_a_time("example", wait=False):
        pass


@pytest.mark.django_db
@pytest.mark.postgresql
def test_on_postgresql_other_machines_wait_too(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    with closing(connections.create_connection("default")) as another, another.cursor() as cursor:

        def taken():
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [int.from_bytes(b"example ") >> 1])
            return cursor.fetchone()[0]

        with one_at_a_time("example"):
            assert not taken()
        assert taken()


@pytest.mark.django_db
@pytest.mark.postgresql
def test_on_postgresql_who_does_not_wait_is_refused_on_other_machines(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    with closing(connections.create_connection("default")) as another, another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [int.from_bytes(b"example ") >> 1])
        with pytest.raises(Busy), one_at_a_time("example", wait=False):
            pass
