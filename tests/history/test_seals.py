"""Sealed days show what was changed, taken out or added, by raw SQL of a superuser too, and what was
pruned."""

import json
import stat
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from predictor.history import partitions, seals
from predictor.history.merkle import leaf_hash
from predictor.history.pruning import prune, prune_rows
from predictor.models import Prediction, Review
from predictor.signing import jws, keys
from tests.signing.altering import with_other_signature

from .test_partitions import settle

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = [(FIRST + timedelta(days=day)).date() for day in range(3)]
NO_HEAD = "its head is not genuine: it is not a signed text of this kind"
ONE = dict(source="api", request="carat=1", latency_ms=1.5, status=400, error={"carat": ["ż"]})


def id_at(moment, number):
    return UUID(int=partitions.first_id(moment).int + (7 << 76) + (2 << 62) + number)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR, settings.SEALS_DIR = tmp_path, tmp_path / "seals"
    settings.RECEIPT_KEYS_FILE = tmp_path / "receipt_keys.json"
    return settings.SEALS_DIR


@pytest.fixture
def rows():
    """Five records of the first day, none of the second, three of the third."""
    moments = [FIRST + timedelta(minutes=number) for number in range(5)]
    moments += [FIRST + timedelta(days=2, minutes=number) for number in range(3)]
    made = [
        Prediction(id=id_at(moment, place), created=moment, **ONE)
        for place, moment in enumerate(moments)
    ]
    return Prediction.objects.bulk_create(made)


@pytest.fixture
def sealed(rows, monkeypatch):
    now_is(monkeypatch, FIRST + timedelta(days=3))
    assert [*seals.seal()] == list(zip(DAYS, (5, 0, 3), strict=True))
    return rows


def now_is(monkeypatch, moment):
    monkeypatch.setattr(seals.timezone, "now", lambda: moment)


def raw(statement, *arguments):
    """Raw SQL of a superuser, who switches the triggers off and on again."""
    with transaction.atomic(), connection.cursor() as cursor:
        off, on = triggers(cursor)
        for one in off:
            cursor.execute(one)
        cursor.execute(statement, arguments)
        for one in on:
            cursor.execute(one)


def triggers(cursor):
    """The statements that switch the history's triggers off, and on again."""
    if connection.vendor == "postgresql":
        table = "ALTER TABLE predictor_prediction"
        checked = "SET CONSTRAINTS ALL IMMEDIATE"  # or the table cannot be altered
        return [checked, f"{table} DISABLE TRIGGER USER"], [checked, f"{table} ENABLE TRIGGER USER"]
    cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
    on = [sql for (sql,) in cursor.fetchall() if "predictor_kept_" in sql]
    return [f"DROP TRIGGER predictor_kept_{act}" for act in ("update", "delete")], on


def key(row):
    return row.pk.hex if connection.vendor == "sqlite" else row.pk


def states():
    return [seals.compare(day) for day in seals.sealed_days()]


def check(capsys, *arguments):
    """(exit status, what `receipt check` writes)."""
    try:
        call_command("receipt", "check", *arguments)
    except CommandError as error:
        return error.returncode, f"{capsys.readouterr().out}{error}"
    return 0, capsys.readouterr().out


def test_each_ended_day_is_sealed_once_and_its_files_are_private(sealed, folder, monkeypatch):
    assert seals.sealed_days() == DAYS
    assert [*seals.seal()] == []
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{day}.{kind}" for day in DAYS for kind in ("head", "leaves")}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    assert [(one.rows, one.is_intact) for one in states()] == [(5, True), (0, True), (3, True)]


def test_a_day_is_sealed_only_after_a_while(rows, monkeypatch):
    end = datetime(2026, 3, 2, tzinfo=UTC)
    now_is(monkeypatch, end + seals.GRACE - timedelta(seconds=1))
    assert [*seals.seal()] == []
    now_is(monkeypatch, end + seals.GRACE)
    assert [*seals.seal()] == [(DAYS[0], 5)]


def test_without_records_nothing_is_sealed():
    assert [*seals.seal()] == []


def test_progress_and_batches(rows, monkeypatch):
    monkeypatch.setattr(seals, "BATCH", 2)
    monkeypatch.setattr(seals, "AT_ONCE", 2)
    now_is(monkeypatch, FIRST + timedelta(days=1))
    done = []
    assert [*seals.seal(done.append)] == [(DAYS[0], 5)]
    assert done == [2, 4]
    assert seals.compare(DAYS[0], done.append).rows == 5
    assert done == [2, 4, 2, 4]


class TestTampering:
    def found(self, kind, *rows):
        first, *_ = states()
        assert not first.is_intact
        assert first.named == [(kind, row.pk) for row in rows]
        assert getattr(first, kind) == len(rows)

    @pytest.mark.parametrize(
        "change",
        [
            "latency_ms = 1.25",
            "client = 'x'",
            "price = 1",
            "trace_id = ''",
            "error = NULL",
            "created = '2026-03-01 13:00:00+00:00'",
            "request = request || ' '",
            "status = 401",
        ],
    )
    def test_a_raw_update_is_found(self, sealed, change):
        raw("UPDATE predictor_prediction SET " + change + " WHERE id = %s", key(sealed[3]))  # noqa: S608
        self.found("changed", sealed[3])

    def test_a_raw_delete_is_found(self, sealed):
        raw("DELETE FROM predictor_prediction WHERE id = %s", key(sealed[0]))
        self.found("missing", sealed[0])

    def test_all_of_a_day_deleted_is_found(self, sealed, capsys):
        raw("DELETE FROM predictor_prediction")
        status, text = check(capsys)
        assert status == 1
        assert "2026-03-01: 0 changed, 5 missing, 0 added" in text
        assert f"2026-03-03: missing {sealed[7].pk}" in text
        assert "the history or its seals were changed: 3 sealed days, 0 records as sealed" in text

    def test_a_record_added_to_a_sealed_day_is_found(self, sealed):
        added = Prediction.objects.create(id=id_at(FIRST, 99), **ONE)
        self.found("added", added)

    def test_a_record_under_another_id_is_missing_and_added(self, sealed):
        other = id_at(FIRST, 77)
        raw(
            "UPDATE predictor_prediction SET id = %s WHERE id = %s",
            other.hex if connection.vendor == "sqlite" else other,
            key(sealed[4]),
        )
        first, *_ = states()
        assert (first.missing, first.added, first.changed) == (1, 1, 0)

    def test_a_change_and_its_return_are_as_sealed(self, sealed):
        raw("UPDATE predictor_prediction SET client = 'x'")
        raw("UPDATE predictor_prediction SET client = ''")
        assert all(one.is_intact for one in states())

    def test_only_the_first_are_named(self, sealed, monkeypatch):
        monkeypatch.setattr(seals, "NAMED", 2)
        raw("UPDATE predictor_prediction SET client = 'x'")
        first, *_ = states()
        assert (first.changed, len(first.named)) == (5, 2)


class TestFiles:
    def test_changed_leaves_are_found(self, sealed, folder):
        path = folder / f"{DAYS[0]}.leaves"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert states()[0].wrong == "the leaves of 2026-03-01 do not have the root that is signed"

    @pytest.mark.parametrize(
        ("damage", "wrong"),
        [
            (lambda path: path.write_bytes(path.read_bytes()[:-1]), "are damaged"),
            (lambda path: path.write_bytes(b""), "are damaged"),
            (lambda path: path.unlink(), "are missing"),
        ],
    )
    def test_damaged_leaves_are_found(self, sealed, folder, damage, wrong):
        damage(folder / f"{DAYS[0]}.leaves")
        assert states()[0].wrong == f"the leaves of 2026-03-01 {wrong}"

    def test_a_changed_head_is_found(self, sealed, folder):
        path = folder / f"{DAYS[0]}.head"
        path.write_text(with_other_signature(path.read_text()))
        assert states()[0].wrong.startswith("the head of 2026-03-01 is not genuine: ")

    def test_a_removed_or_replaced_head_is_found_by_the_next(self, sealed, folder, monkeypatch):
        path = folder / f"{DAYS[1]}.head"
        path.rename(folder / "aside")
        assert states()[1].wrong == "the head of 2026-03-02 is missing or was replaced"
        path.write_text(jws.sign(seals.head_of(DAYS[0]) | {"day": str(DAYS[1])}, seals.KIND))
        assert states()[2].wrong == "the head of 2026-03-02 is missing or was replaced"

    def test_a_head_is_genuine_after_a_new_key(self, sealed):
        keys.rotate()
        assert all(one.is_intact for one in states())

    def test_the_run_after_a_killed_one_seals_the_same_day(self, rows, folder, monkeypatch):
        now_is(monkeypatch, FIRST + timedelta(days=1))
        with monkeypatch.context() as patch:
            patch.setattr(jws, "sign", lambda *arguments: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                [*seals.seal()]
        assert seals.sealed_days() == []
        assert [*seals.seal()] == [(DAYS[0], 5)]
        assert states()[0].is_intact

    def test_a_column_of_a_later_release_changes_no_seal(self, sealed, monkeypatch):
        monkeypatch.setattr(seals, "COLUMNS", [*seals.COLUMNS, "later"])
        assert all(one.is_intact for one in states())

    def test_a_missing_column_is_reported(self, sealed, monkeypatch):
        monkeypatch.setattr(seals, "COLUMNS", [one for one in seals.COLUMNS if one != "client"])
        assert states()[0].wrong == "this release has no column client"


class TestPruning:
    def test_pruned_records_are_not_counted_as_missing(self, sealed, capsys, folder):
        assert prune(FIRST + timedelta(minutes=3)) == 3
        assert [(one.rows, one.pruned) for one in states()] == [(2, 3), (0, 0), (3, 0)]
        assert check(capsys) == (
            0,
            "nothing was changed: 3 sealed days, 5 records as sealed, 3 pruned\n",
        )
        raw("DELETE FROM predictor_prediction WHERE id = %s", key(sealed[4]))
        first, *_ = states()
        assert (first.pruned, first.missing, first.named) == (3, 1, [("missing", sealed[4].pk)])
        assert stat.S_IMODE((folder / f"{DAYS[0]}.pruned").stat().st_mode) == 0o600

    def test_archived_ones_are_noted_too_after_a_kill(self, sealed, tmp_path):
        from predictor.history.archive import write

        write(sealed[:2], tmp_path)
        assert prune_rows(Prediction.objects.none(), tmp_path) == 2
        assert (states()[0].rows, states()[0].pruned) == (3, 2)

    def test_a_kept_record_of_a_pruned_day_is_still_compared(self, sealed):
        Review.objects.create(prediction=sealed[1], state="correct")
        assert prune(FIRST + timedelta(days=9), keep_reviewed=True) == 7
        first, *_ = states()
        assert (first.rows, first.pruned, first.is_intact) == (1, 4, True)
        raw("UPDATE predictor_prediction SET client = 'x'")
        assert states()[0].named == [("changed", sealed[1].pk)]

    def test_the_proofs_of_others_stay_valid(self, sealed):
        before = seals.prove(sealed[4])
        prune(FIRST + timedelta(minutes=3))
        assert seals.prove(sealed[4]) == before
        assert seals.proven(before)["size"] == 5

    def test_where_nothing_is_sealed_nothing_is_noted(self, rows, folder):
        assert prune(FIRST + timedelta(minutes=3)) == 3
        assert not folder.exists()

    @pytest.mark.postgresql
    def test_a_month_that_is_dropped_is_noted(self, sealed):
        Review.objects.create(prediction=sealed[1], state="correct")
        settle()
        partitions.partition(lambda sentence: None)
        end = partitions.partitions()[0].end
        assert prune(end + timedelta(days=1), keep_reviewed=True) == 7
        first, *_ = states()
        assert (first.rows, first.pruned, first.is_intact) == (1, 4, True)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("2026-13-45.head", "has a head of no day: month must be in 1..12"),
        ("9999-12-31.head", "9999-12-31 is sealed, but has not begun: run manage.py receipt check"),
    ],
)
def test_a_head_of_no_day_or_of_one_to_come_is_named(sealed, folder, name, why):
    (folder / name).write_text("x")
    with pytest.raises(CommandError) as refused:
        call_command("receipt", "seal")
    assert str(refused.value).endswith(why)
    assert len([*folder.glob("*.leaves")]) == len(DAYS)


def test_without_its_leaves_a_sealed_day_is_not_pruned(sealed, folder):
    (folder / f"{DAYS[0]}.leaves").unlink()
    with pytest.raises(CommandError, match=f"^the leaves of {DAYS[0]} are missing$"):
        call_command("prune_predictions", "--older-than", "1d")
    assert Prediction.objects.count() == len(sealed)


class TestProofs:
    def proof(self, capsys, row):
        call_command("receipt", "prove", str(row.pk))
        return json.loads(capsys.readouterr().out)

    def test_each_record_is_proven_by_its_file_alone(self, sealed, capsys, tmp_path, folder):
        for row in sealed:
            proof = self.proof(capsys, row)
            assert proof["record"]["id"] == str(row.pk)
            file = tmp_path / "proof.json"
            file.write_text(json.dumps(proof))
            day, size = (DAYS[0], 5) if row.created.day == 1 else (DAYS[2], 3)
            said = f"{row.pk} is one of {size} records sealed for {day}\n"
            assert check(capsys, str(file)) == (0, said)

    def test_the_hash_is_as_documented(self, sealed):
        proof = seals.prove(sealed[0])
        head = seals.proven(proof)
        values = [proof["record"][column] for column in head["columns"]]
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        with seals.Leaves(DAYS[0]) as leaves:
            [(_, _, leaf)] = leaves.entries(0, 1)
        assert leaf == leaf_hash(bytes.fromhex(proof["salt"]) + text.encode())

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (
                lambda p: p["record"].update(price=1.0),
                "the record, its salt or its path was changed",
            ),
            (lambda p: p["record"].update(more=1), "the record, its salt or its path was changed"),
            (lambda p: p.update(salt="00" * 32), "the record, its salt or its path was changed"),
            (lambda p: p.update(index=1), "the record, its salt or its path was changed"),
            (lambda p: p.update(index=5), "the record, its salt or its path was changed"),
            (lambda p: p["path"].reverse(), "the record, its salt or its path was changed"),
            (lambda p: p["path"].pop(), "the record, its salt or its path was changed"),
            (lambda p: p["record"].pop("price"), "it is no proof (KeyError)"),
            (lambda p: p.update(salt="x"), "it is no proof (ValueError)"),
            (lambda p: p.update(index="0"), "it is no proof (TypeError)"),
            (lambda p: p.update(path=None), "it is no proof (TypeError)"),
            (lambda p: p.pop("head"), "it is no proof (KeyError)"),
            (lambda p: p.update(head=7), NO_HEAD),
            (lambda p: p.update(head=[p["head"]]), NO_HEAD),
            (
                lambda p: p.update(head=with_other_signature(p["head"])),
                "its head is not genuine: its content was changed, or its signature is not genuine",
            ),
        ],
    )
    def test_a_changed_proof_is_refused_in_a_line(self, sealed, capsys, tmp_path, change, why):
        proof = seals.prove(sealed[0])
        change(proof)
        file = tmp_path / "proof.json"
        file.write_text(json.dumps(proof))
        assert check(capsys, str(file)) == (1, f"not proven: {why}")

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"[]", "not proven: it is no proof (TypeError)"),
            (b"{", "not a proof: it is not JSON"),
            (b"[" * 100_000, "not a proof: it is not JSON"),
            (b"\xff", "not genuine: it is not text"),
            (b" " * (1024 * 1024 + 1), "not genuine: it has over 1,048,576 bytes"),
        ],
    )
    def test_another_file_is_refused(self, capsys, tmp_path, content, why):
        file = tmp_path / "proof.json"
        file.write_bytes(content)
        assert check(capsys, str(file)) == (1, why)

    def test_a_changed_record_is_not_proven(self, sealed):
        raw("UPDATE predictor_prediction SET client = 'x'")
        with pytest.raises(CommandError, match="the record, its salt or its path was changed"):
            call_command("receipt", "prove", str(sealed[0].pk))

    @pytest.mark.parametrize(
        ("id_", "why"),
        [
            ("x", "'x' is not an ID"),
            ("0" * 32, "is not in the history"),
        ],
    )
    def test_an_unknown_id_is_refused(self, sealed, id_, why):
        with pytest.raises(CommandError, match=why):
            call_command("receipt", "prove", id_)

    def test_a_record_of_a_day_that_is_not_sealed_has_no_proof(self, rows):
        with pytest.raises(CommandError, match="2026-03-01 is not sealed"):
            call_command("receipt", "prove", str(rows[0].pk))


def test_the_command_seals_and_says_what(rows, capsys, folder):
    call_command("receipt", "seal")
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.endswith(f" days sealed, 8 records, in {folder}")
    assert seals.sealed_days()[:3] == DAYS
