"""The list of scoring runs in the admin, and files that are priced there."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlencode

import pandas as pd
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from ml.stones import SCHEMES
from predictor.jobs.context import Context
from predictor.jobs.errors import Stopped
from predictor.jobs.files import download_name
from predictor.models import Job, ScoringRun
from predictor.scoring import workers

LIST = reverse("admin:predictor_scoringrun_changelist")
pytestmark = pytest.mark.django_db


@pytest.fixture
def run(live_models):
    return ScoringRun.objects.create(
        by="anna",
        input="s3://bucket/in/*.parquet",
        output="/data/out",
        scheme="graded",
        workers="2",
        version=live_models["graded"],
        state="done",
        rows=1_234_567,
        errors=89,
        warned=4321,
        seconds=61.5,
        ended=timezone.now(),
    )


@pytest.mark.parametrize("group", ["reviewer", "maintainer"])
def test_both_roles_read_who_priced_what(member, group, run):
    client = member(group)
    page = client.get(LIST).text
    for told in ("anna", "s3://bucket/in/*.parquet", "/data/out", "1,234,567", "89", "4,321"):
        assert told in page, told
    own = client.get(reverse("admin:predictor_scoringrun_change", args=[run.pk])).text
    assert "graded 1" in own
    assert "61.5" in own


def test_nobody_adds_changes_or_deletes_one(reviewer, run):
    for act, arguments in (("add", []), ("delete", [run.pk])):
        address = reverse(f"admin:predictor_scoringrun_{act}", args=arguments)
        assert reviewer.post(address, {"post": "yes"}).status_code == 403
    reviewer.post(reverse("admin:predictor_scoringrun_change", args=[run.pk]), {"rows": 1})
    run.refresh_from_db()
    assert run.rows == 1_234_567


def test_who_has_no_role_sees_none(member, run):
    assert member().get(LIST).status_code == 403


def test_a_run_that_is_silent_is_marked_lost(reviewer, run):
    old = timezone.now() - timedelta(minutes=5)
    ScoringRun.objects.update(state="running", heard=old, ended=None)
    assert "lost: the process stopped" in reviewer.get(LIST).text
    run.refresh_from_db()
    assert run.state == "lost"


def test_they_can_be_searched(reviewer, run):
    assert "anna" in reviewer.get(LIST, {"q": "bucket"}).text
    assert "anna" not in reviewer.get(LIST, {"q": "nothing"}).text


# Files priced by a job

PAGE = reverse("admin:scoringrun-score")
NAMES = [*SCHEMES["graded"]]
STONE = "0.7,Ideal,E,VS1,61.5,56,5.7,5.7,3.51"
GRADED = (
    f"ref,carat,cut,color,clarity,depth,table,x,y,z\nA,{STONE}\nB,{STONE.replace('0.7', 'much')}\n"
)


@pytest.fixture
def in_this_process(monkeypatch):
    """Parts are priced in this process; tests/scoring/test_processes.py tests others."""

    @contextmanager
    def local(count):
        with ThreadPoolExecutor(1) as pool:
            yield pool, 1, lambda: None

    monkeypatch.setattr(workers, "local", local)


def send(client, content=GRADED, name="Moje kamienie.csv", **said):
    content = content if isinstance(content, bytes) else content.encode()
    return client.post(PAGE, {"file": SimpleUploadedFile(name, content), **said}, follow=True)


def rows_of(job):
    with default_storage.open(job.file) as file:
        return [*csv.DictReader(io.TextIOWrapper(file, "utf-8"))]


@pytest.mark.usefixtures("live_models", "in_this_process")
class TestAFile:
    def test_it_is_priced_by_a_job_with_one_run(self, someone, worker):
        rita = someone("rita", "reviewer")
        page = send(rita)
        job = worker.one()
        assert (job.state, job.outcome) == (
            "done",
            "Rows: 2, without a price: 1, with a warning: 0.",
        )
        good, bad = rows_of(job)
        assert (good["ref"], good["error"], bad["predicted_price"]) == ("A", "", "")
        asked = rita.get(
            "/api/predict?" + urlencode(dict(zip(NAMES, STONE.split(","), strict=True)))
        )
        assert float(good["predicted_price"]) == asked.json()["predicted_price"]
        assert (job.rows, download_name(job)) == (2, "moje-kamienie-priced.csv")
        run = ScoringRun.objects.get()
        own = reverse("admin:predictor_job_change", args=[job.pk])
        assert (run.by, run.input, run.output) == ("rita", "Moje kamienie.csv", own)
        assert (run.state, run.rows, run.errors, run.scheme) == ("done", 2, 1, "graded")
        page = rita.get(page.redirect_chain[-1][0])
        assert reverse("admin:predictor_scoringrun_change", args=[run.pk]) in page.text
        Job.objects.update(state="queued", file="")
        assert worker.one().state == "done"
        assert ScoringRun.objects.get().rows == 2

    def test_the_sheets_that_are_left_out_are_named(self, someone, worker):
        book, content = Workbook(), io.BytesIO()
        for row in csv.reader(io.StringIO(GRADED)):
            book.active.append(row)
        book.create_sheet("May").append(["carat"])
        book.save(content)
        send(someone("rita", "reviewer"), content.getvalue(), "stones.xlsx")
        assert worker.one().outcome.endswith("The sheet 'Sheet' is read; left out: 'May'.")

    def test_a_parquet_file_is_priced_as_one(self, someone, worker):
        stream = io.BytesIO()
        pd.read_csv(io.StringIO(GRADED)).to_parquet(stream)
        send(someone("rita", "reviewer"), stream.getvalue(), "stones.parquet", scheme="graded")
        job = worker.one()
        assert (job.state, download_name(job)) == ("done", "stones-priced.parquet")
        with default_storage.open(job.file) as file:
            assert [*pd.read_parquet(io.BytesIO(file.read()))["ref"]] == ["A", "B"]

    def test_a_parquet_file_of_very_many_rows_is_refused(self, someone, worker, monkeypatch):
        monkeypatch.setattr("predictor.management.commands.score.MOST_ROWS", 1)
        stream = io.BytesIO()
        pd.read_csv(io.StringIO(GRADED)).to_parquet(stream)
        send(someone("rita", "reviewer"), stream.getvalue(), "stones.parquet")
        job = worker.one()
        assert (job.state, job.outcome) == ("failed", "more than 1 rows: use the command score")
        assert not ScoringRun.objects.exists()

    @pytest.mark.parametrize(
        ("content", "outcome"),
        [
            (
                "carat,cut\n1,Ideal\n",
                "The file lacks columns: for coded color, clarity, depth, table, volume; "
                "for graded color, clarity, depth, table, x, y, z; if one has a name that is "
                "not known, use --column carat=NAME.",
            ),
            ("", "The file is empty."),
            ("carat\n", "stones.csv: no rows below the header"),
        ],
    )
    def test_a_file_that_cannot_be_priced_fails(self, someone, worker, content, outcome):
        send(someone("rita", "reviewer"), content or " ", "stones.csv")
        job = worker.one()
        assert (job.state, job.outcome, job.file) == ("failed", outcome, "")
        assert not ScoringRun.objects.filter(state="running").exists()

    def test_a_stopped_job_ends_its_run(self, someone, worker, monkeypatch):
        def stopped(context, *figures):
            raise Stopped

        send(someone("rita", "reviewer"))
        monkeypatch.setattr(Context, "progress", stopped)
        assert worker.one().state == "stopped"
        assert ScoringRun.objects.get().state == "failed"


@pytest.mark.parametrize("name", ["stones.csv.gz", "stones.zip", "stones"])
def test_other_files_are_refused(reviewer, name):
    text = "Send one of these: .csv, .tsv, .txt, .xlsx, .parquet, .pq."
    assert text in send(reviewer, name=name).text
    assert not Job.objects.exists()


def test_who_may_not_see_runs_prices_no_file(member):
    client = member()
    assert (client.get(PAGE).status_code, send(client).status_code) == (403, 403)
    assert not Job.objects.exists()
