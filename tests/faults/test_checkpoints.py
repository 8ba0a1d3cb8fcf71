"""A served SQLite history is checkpointed into its main file without waiting for a request."""

import sqlite3
from contextlib import closing, suppress

from tests.waiting import wait_for

from .asking import ask
from .conftest import POSTGRES

if not POSTGRES:

    def test_rows_are_in_the_file_soon_after_their_answer(site, stones):
        with site.server() as server:
            reply = ask(server, "/api/predict", stones["coded"][:100])
            assert reply.status == 200
            wait_for(lambda: in_the_file_alone(site) == len(reply.content))


def in_the_file_alone(site):
    """The number of rows that a reader of the main file without its log finds; None in the middle
    of a checkpoint."""
    with (
        closing(sqlite3.connect(f"file:{site.var}/history.sqlite3?immutable=1", uri=True)) as alone,
        suppress(sqlite3.DatabaseError),
    ):
        return alone.execute("SELECT count(*) FROM predictor_prediction").fetchone()[0]
