"""A dealer's list: rows with errors are left out and returned, prices are compared, long lists are jobs."""

import csv
import io
import re
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from predictor.history import inserts
from predictor.history.batches import WRITTEN_AT_ONCE
from predictor.jobs import queue
from predictor.models import Job, Prediction, PricedFile, Worker
from predictor.pages.price_file import pricing, table, upload
from predictor.pages.price_file.columns import ADDED, COMPARED
from predictor.versions.activation import activate
from predictor.versions.store import register

from .helpers import ENGLISH, page
from .test_files import (
    GRADED,
    ROWS,
    faults,
    form_of,
    given_back,
    price,
    refusal,
    send,
)
from .test_files import table as table_text

BAD = ["abc", *ROWS[0][1:]]


def listed(prices, heading="Price", rows=ROWS, **options):
    """A list with a column of prices."""
    rows = [[*row, text] for row, text in zip(rows, prices, strict=True)]
    return table_text(rows, [*GRADED, heading], **options)


def file_at(client, address):
    """The response with a file that is stored, and its text."""
    response = client.get(address)
    return response, response.getvalue().decode("utf-8-sig")


def askings():
    return [*Prediction.objects.order_by("id").values_list("asking", flat=True)]


PRICES = [
    ("Price", ["2900", "5000.50", ""], [2900, 5000.5, None]),
    ("Total Price", ["$2,900", "$5,000", "$600"], [2900, 5000, 600]),
    ("Asking price (USD)", ["2 900", "US$ 5000", "600 USD"], [2900, 5000, 600]),
    ("Cena całkowita", ["2.900", "5.000", "600"], None),
    ("Total $", ["2’900", "5'000", "600"], [2900, 5000, 600]),
]


@pytest.mark.parametrize(("heading", "prices", "expected"), PRICES)
def test_the_lists_own_price_is_the_asking_price(client, live_models, heading, prices, expected):
    content = listed(prices, heading)
    if (
        expected is None
    ):  # the stones' decimal points show that these are 2.9 and 5.0, or typing errors
        assert faults(send(client, content)) == [
            "Lines 2, 3, column price: “2.900” can mean 2900 or 2.90: write the one that is meant."
        ]
        return
    response = price(client, content)
    assert response.status_code == 302
    assert askings() == expected
    assert all((one.percentile is None) == (one.asking is None) for one in Prediction.objects.all())


def test_a_list_with_decimal_commas_may_have_points_between_thousands(client, live_models):
    content = listed(["2.900", "5.000", "600"], decimal=",", separator=";")
    price(client, content)
    assert askings() == [2900, 5000, 600]


def test_each_price_is_compared_with_its_estimate(client, live_models):
    response = price(client, listed(["100", "", "9,000"]))
    head, *lines = given_back(client, response.url)
    assert head == [*GRADED, "Price", *ADDED, *COMPARED]
    cells = [dict(zip(head, line, strict=True)) for line in lines]
    assert [one["fairness"] for one in cells] == ["below", "", "far_above"]
    for one in cells:
        expected = ""
        if one["Price"]:
            asking = float(one["Price"].replace(",", ""))
            expected = f"{100 * (asking / int(one['predicted_price']) - 1):.1f}"
        assert one["over_under_percent"] == expected
    text = page(client.get(response.url, headers=ENGLISH))
    assert "↓\xa0Below" in text
    assert "⇈\xa0Far above" in text
    assert 'class="cloud verdict-far_above"' in text
    assert "Stones with an asking price</dt><dd>2</dd>" in text


def test_a_list_separated_by_semicolons_gets_decimal_commas(client, live_models):
    content = listed(["100", "", "9000"], separator=";")
    head, first, *_ = given_back(client, price(client, content).url, ";")
    assert re.fullmatch(r"-\d+,\d", dict(zip(head, first, strict=True))["over_under_percent"])


def test_a_list_without_prices_has_no_comparison(client, live_models):
    text = page(client.get(price(client, table_text()).url, headers=ENGLISH))
    assert "Over or under" not in text
    assert "cloud" not in text


OTHER_CURRENCIES = [
    (
        "Price (EUR)",
        ["2900", "", ""],
        "Column 'Price (EUR)' is in EUR, and the prices are read in USD.",
    ),
    (
        "Price",
        ["2900", "€5,000", ""],
        "Line 3: the price is in EUR, and prices are compared in USD.",
    ),
    ("Price", ["", "", "600 zł"], "Line 4: the price is in PLN, and prices are compared in USD."),
]


@pytest.mark.parametrize(("heading", "prices", "message"), OTHER_CURRENCIES)
def test_a_list_in_another_currency_is_refused(client, live_models, heading, prices, message):
    response = send(client, listed(prices, heading))
    assert response.status_code == 400
    assert refusal(response) == message
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    ("currency", "message"),
    [
        ("EUR", "Line 2: the price is in EUR, and prices are compared in USD."),
        ("dirham", "Line 2: the price is in 'dirham', and prices are compared in USD."),
        ("USD", ""),
        ("$", ""),
        ("", ""),
    ],
)
def test_a_list_may_name_its_currency(client, live_models, currency, message):
    rows = [[*row, "2900", currency] for row in ROWS]
    content = table_text(rows, [*GRADED, "Price", "Currency"])
    response = send(client, content)
    if message:
        assert (response.status_code, refusal(response)) == (400, message)
        return
    head, first, *_ = given_back(client, price(client, content).url)
    assert head == [*GRADED, "Price", *ADDED, *COMPARED]
    assert dict(zip(head, first, strict=True))["currency"] == "USD"


WRONG = [
    ("Price", "call", "“call” is not an amount: enter it like 2757.50, with or without USD."),
    ("Price", "0.5", "“0.5” is out of bounds: give an amount from 1 to 1000000000."),
    (
        "Shape",
        "Princess",
        "The data has no stones of this shape (Princess): all of them are round.",
    ),
    (
        "Origin",
        "Lab Grown",
        "The data has no stones of this origin (Lab Grown): all of them are natural.",
    ),
]


@pytest.mark.parametrize(("heading", "cell", "message"), WRONG)
def test_a_wrong_price_shape_or_origin_is_reported(client, live_models, heading, cell, message):
    found = faults(send(client, listed(["", cell, ""], heading)))
    assert found == [f"Line 3, column {heading.lower()}: {message}"]


def test_headings_that_a_list_has_twice_stay_apart(client, live_models):
    rows = [[*row, "1", "2", "3"] for row in ROWS]
    names = [*GRADED, "note (12)", "note", "note"]
    url = price(client, table_text(rows, names)).url
    assert given_back(client, url)[0][: len(names)] == [*names[:-1], "note (12) (12)"]
    assert given_back(client, url)[1][9:12] == ["1", "2", "3"]


def test_natural_stones_and_countries_are_no_other_origin(client, live_models):
    assert price(client, listed(["Natural", "", "Botswana"], "Origin")).status_code == 302


def test_round_stones_are_recognized_by_the_trades_words(client, live_models):
    content = listed(["Round", "RB", "Round Brilliant"], "Shape")
    assert price(client, content).status_code == 302
    assert Prediction.objects.count() == 3


def test_grades_that_are_assumed_are_counted(client, live_models):
    rows = [[0.7, cut, *ROWS[0][2:]] for cut in ("Excellent", "Excellent", "Ideal")]
    response = price(client, table_text(rows))
    text = page(client.get(response.url, headers=ENGLISH))
    assert "Excellent is priced as Ideal.</dt><dd>2</dd>" in text
    head, first, *_ = given_back(client, response.url)
    assert dict(zip(head, first, strict=True))["assumed"].startswith("cut: Excellent → Ideal")


# Rows with errors


def test_good_rows_are_priced_and_bad_ones_corrected_and_sent_again(client, live_models):
    content = listed(["2900", "call", "600", "700"], rows=[*ROWS, BAD])
    response = price(client, content)
    assert response.status_code == 302
    assert [one.carat for one in Prediction.objects.order_by("id")] == [0.7, 0.31]
    job = Job.objects.get()
    assert (job.kind, job.state, job.by, job.rows) == ("list", "done", None, 2)
    text = page(client.get(response.url, headers=ENGLISH))
    assert "Rows with errors (2)" in text
    assert "Line 5, column carat: “abc” is not a number: give a number from 0.05 to 30 ct." in text
    sent, text = file_at(client, f"{response.url}errors.csv")
    assert sent["Content-Disposition"] == 'attachment; filename="errors-stones.csv"'
    rows = [*csv.reader(io.StringIO(text))]
    assert rows[0] == [*GRADED, "Price", "error"]
    assert [row[0] for row in rows[1:]] == ["1.01", "abc"]
    assert rows[2][-1] == "carat: “abc” is not a number: give a number from 0.05 to 30 ct."
    rows[1][-2], rows[2][0] = "5000", "0.7"
    again = price(client, table_text(rows[1:], rows[0]))
    assert again.status_code == 302
    assert askings() == [2900, 600, 5000, 700]
    assert given_back(client, again.url)[0] == [*GRADED, "Price", *ADDED, *COMPARED]
    assert client.get(f"{again.url}errors.csv").status_code == 404


def test_the_preview_gives_the_rows_with_errors(client, live_models):
    sent = form_of(send(client, table_text([*ROWS, BAD], separator=";"))) | {"errors": "1"}
    response = client.post("/file/", sent, headers=ENGLISH)
    text = response.content.decode("utf-8-sig")
    assert response["Content-Disposition"] == 'attachment; filename="errors-stones.csv"'
    assert text.splitlines()[0] == ";".join([*GRADED, "error"])
    assert len(text.splitlines()) == 2
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("at_once", [1000, 2])
def test_errors_keep_the_lines_of_the_file(client, live_models, monkeypatch, worker, at_once):
    for module in (pricing, upload):
        monkeypatch.setattr(module, "AT_ONCE", at_once)
    content = table_text([*ROWS, BAD]).replace("\r\n", "\r\n\r\n")
    message = "Line 10, column carat: “abc” is not a number: give a number from 0.05 to 30 ct."
    preview = send(client, f"\n{content}")
    assert faults(preview) == [message]
    sent = form_of(preview)
    assert sent["lines"] == "4-4,6-6,8-8,10-10"
    url = client.post("/file/", sent, headers=ENGLISH).url
    if at_once == 2:
        worker.one()
    assert faults(client.get(url, headers=ENGLISH)) == [message]


@pytest.mark.parametrize("text", ["2-3", "2-6", "a-b", "1-99999999999", "-", "2-5,", "5-2"])
def test_lines_that_do_not_fit_the_rows_are_ignored(client, live_models, text):
    sent = form_of(send(client, table_text([*ROWS, BAD]))) | {"lines": text}
    url = client.post("/file/", sent, headers=ENGLISH).url
    assert faults(client.get(url, headers=ENGLISH))[0].startswith("Line 5,")


def test_all_or_none_is_an_option(client, live_models):
    preview = send(client, table_text([*ROWS, BAD]), whole=True)
    assert (preview.status_code, "Price and save" in page(preview)) == (400, False)
    sent = form_of(preview)
    assert sent["whole"] == "1"
    assert client.post("/file/", sent, headers=ENGLISH).status_code == 400
    assert not Prediction.objects.exists()
    assert price(client, table_text(), whole="1").status_code == 302


def test_the_same_preview_twice_is_priced_once(client, live_models):
    sent = form_of(send(client, table_text()))
    first, second = (client.post("/file/", sent, headers=ENGLISH) for _ in range(2))
    assert first.url == second.url == f"/file/{sent['id']}/"
    assert Prediction.objects.count() == 3


@pytest.mark.parametrize("rows", [3, 1001])
@pytest.mark.django_db(transaction=True)
def test_the_same_preview_twice_at_once_is_priced_once(client, live_models, monkeypatch, rows):
    sent = form_of(send(client, table_text([ROWS[0]] * rows)))
    url = client.post("/file/", sent, headers=ENGLISH).url
    found = Mock(side_effect=[PricedFile.objects.none(), PricedFile.objects.all()])
    monkeypatch.setattr(PricedFile.objects, "filter", lambda **_: found())
    again = client.post("/file/", sent, headers=ENGLISH)
    assert again.url == url
    assert found.call_count == 2
    assert PricedFile.objects.count() == 1
    if rows > 1000:
        assert default_storage.exists(Job.objects.get().arguments["upload"])
    else:
        assert Prediction.objects.count() == rows


@pytest.mark.parametrize("id_", ["", "x", "0" * 32, "0199aaaa-0000-7000-8000-000000000000"])
def test_only_an_id_that_cannot_be_guessed_is_kept(client, live_models, id_):
    sent = form_of(send(client, table_text())) | {"id": id_}
    response = client.post("/file/", sent, headers=ENGLISH)
    assert id_ not in response.url or not id_
    assert PricedFile.objects.get().pk.version == 4


def test_the_file_of_errors_expires(client, live_models):
    url = price(client, table_text([*ROWS, BAD])).url
    Job.objects.update(expires=timezone.now() - timedelta(seconds=1))
    queue.delete_expired()
    assert client.get(f"{url}errors.csv").status_code == 404
    text = page(client.get(url, headers=ENGLISH))
    assert "The file of these rows has been deleted." in text
    assert "“abc” is not a number" in text


# The table


@pytest.fixture
def compared(client, live_models, monkeypatch):
    """The address of a list of three compared stones and one without a price, two on a page."""
    monkeypatch.setattr(table, "ROWS", 2)
    content = listed(["9000", "100", "600", ""], rows=[*ROWS, ROWS[0]])
    return price(client, content).url


SORTED = [
    ("", ["9,000", "100"]),
    ("?sort=asking", ["100", "600"]),
    ("?sort=-asking", ["9,000", "600"]),
    ("?sort=-asking&page=2", ["100", "–"]),
    ("?sort=over", ["100", "600"]),
    ("?sort=-over", ["9,000", "600"]),
    ("?sort=colour", ["9,000", "100"]),
    ("?page=99", ["600", "–"]),
    ("?page=x", ["9,000", "100"]),
]


@pytest.mark.parametrize(("query", "expected"), SORTED)
def test_the_table_is_sorted_and_in_pages(client, compared, query, expected):
    text = page(client.get(f"{compared}{query}", headers=ENGLISH))
    rows = re.findall(r'<th scope="row">.*?</td>\s*<td class="figure">\$?(.*?)</td>', text, re.S)
    assert [row for row in rows if row in ("9,000", "100", "600", "–")] == expected
    direction = {"?sort=over": "ascending", "?sort=-over": "descending"}.get(query)
    if direction:
        assert f'aria-sort="{direction}"' in text
        assert f'href="?sort={"-over" if direction == "ascending" else "over"}#stones"' in text


def test_stones_are_listed_by_the_dealers_reference(client, live_models):
    rows = [[f"S-{n}", *row] for n, row in enumerate(ROWS)]
    text = page(client.get(price(client, table_text(rows, ["Stock #", *GRADED])).url))
    assert '<th scope="col">Stock #</th>' in text
    assert '<th scope="row">S-2 ' in text


# Long lists


@pytest.fixture
def long_list(client, live_models, monkeypatch):
    """Submits a list that is too long to be priced at once; returns its address."""
    monkeypatch.setattr(pricing, "AT_ONCE", 2)
    monkeypatch.setattr(upload, "AT_ONCE", 2)

    def submitted(content=None):
        response = price(client, content or listed(["100", "call", "9,000"]))
        assert response.status_code == 302, page(response)
        return response.url

    return submitted


def test_a_long_list_is_a_job_that_belongs_to_its_address(client, long_list, worker):
    url = long_list()
    assert not Prediction.objects.exists()
    text = page(client.get(url, headers=ENGLISH))
    assert "The list waits for its turn." in text
    assert "No worker runs at the moment" in text
    assert f'hx-get="{url}"' in text
    assert '<meta http-equiv="refresh" content="3">' in text
    assert client.get(f"{url}errors.csv").status_code == 404
    job = worker.one()
    assert (job.state, job.by, job.outcome) == (
        "done",
        None,
        "Stones priced: 2. Rows with errors: 1.",
    )
    assert (job.done, job.total, job.rows) == (2, 2, 1)
    kept, rows = PricedFile.objects.get(), [*Prediction.objects.order_by("id")]
    assert kept.predictions == [one.pk.hex for one in rows]
    assert askings() == [100, 9000]
    assert {(one.source, one.status) for one in rows} == {("batch", 200)}
    text = page(client.get(url, headers=ENGLISH))
    assert "Rows with errors (1)" in text
    assert "Far above" in text
    assert "call" in file_at(client, f"{url}errors.csv")[1]
    assert len(given_back(client, url)) == 3


def test_a_running_list_shows_its_progress(client, long_list):
    url = long_list()
    Worker.objects.create(pk="0199aaaa-0000-7000-8000-000000000000", name="here:1")
    for columns, expected in (
        ({"state": "running"}, "The list is being read."),
        ({"done": 400, "total": 1200}, "400 of 1,200 stones are priced."),
        ({"stop_requested": True}, "The job stops at its next step."),
    ):
        Job.objects.update(**columns)
        assert expected in page(client.get(url, headers=ENGLISH))
    assert "No worker runs" not in page(client.get(url, headers=ENGLISH))


def test_a_list_is_stopped(client, long_list):
    url = long_list()
    assert client.get(f"{url}stop/").status_code == 405
    assert client.post(f"{url}stop/").url == url
    text = page(client.get(url, headers=ENGLISH))
    assert "The list was not priced to its end" in text
    assert "It was stopped." in text
    assert "No stone of this file was priced." in text


def test_a_list_that_begins_again_goes_on_after_its_last_row(
    client, long_list, worker, monkeypatch
):
    """It is released in the middle, as by SIGTERM, and another version is active afterwards."""
    monkeypatch.setattr(pricing.write_in_batches, "__defaults__", (2,))
    url = long_list(listed(["", "", "", "", ""], rows=[*ROWS, *ROWS[:2]]))
    begin = pricing._price

    def released_after(*arguments):
        begin(*arguments)
        worker.context.released.set()

    monkeypatch.setattr(pricing, "_price", released_after)
    job = worker.one()
    assert (job.state, Prediction.objects.count()) == ("queued", 2)
    monkeypatch.setattr(pricing, "_price", begin)
    assert worker.one().state == "done"
    rows = [*Prediction.objects.order_by("id")]
    assert [list(one.features.values()) for one in rows] == [*ROWS, *ROWS[:2]]
    assert PricedFile.objects.get().predictions == [one.pk.hex for one in rows]
    assert "Stones 1 to 5 of 5" in page(client.get(url, headers=ENGLISH))


@pytest.fixture
def own_list(live_models, own_forest, own_stones, long_list, fresh_registry):
    """Submits a long list of stones of an own list, whose version is active; the worker has not started
    yet. Returns the stones."""
    activate(register(own_forest, "tests"), "tests", "test")
    stones = own_stones[own_stones["shape"] != "Round"].head(5)
    names = [*GRADED, "shape", "fluorescence"]
    fresh_registry._checked = None
    long_list(table_text(stones[names].to_numpy().tolist(), names))
    fresh_registry._live, fresh_registry._checked = {}, None
    return stones


def test_a_worker_that_just_started_knows_the_properties_of_the_version(own_list, worker):
    job = worker.one()
    assert (job.state, job.outcome) == ("done", "Stones priced: 5. Rows with errors: 0.")
    shapes = Prediction.objects.order_by("id").values_list("shape", flat=True)
    assert [*shapes] == own_list["shape"].tolist()


def test_a_list_is_read_to_its_end_by_the_version_that_began(
    own_list, worker, monkeypatch, live_models, fresh_registry
):
    monkeypatch.setattr(pricing.write_in_batches, "__defaults__", (2,))
    begin = pricing._price

    def released_after(*arguments):
        begin(*arguments)
        worker.context.released.set()

    monkeypatch.setattr(pricing, "_price", released_after)
    worker.one()
    monkeypatch.setattr(pricing, "_price", begin)
    activate(live_models["graded"], "tests", "it has round stones only")
    fresh_registry._checked = None
    assert worker.one().outcome == "Stones priced: 5. Rows with errors: 0."
    carats = Prediction.objects.order_by("id").values_list("carat", flat=True)
    assert [*carats] == own_list["carat"].tolist()


def test_each_transaction_of_a_list_is_short(client, long_list, worker, monkeypatch):
    lengths, insert = [], inserts.insert
    monkeypatch.setattr(
        inserts,
        "insert",
        lambda rows, connection: lengths.append(len(rows)) or insert(rows, connection),
    )
    rows = ROWS * 150
    long_list(listed([""] * len(rows), rows=rows))
    worker.one()
    assert Prediction.objects.count() == len(rows)
    assert lengths == [WRITTEN_AT_ONCE, WRITTEN_AT_ONCE, 50]


def test_the_jobs_of_a_client_are_limited(client, long_list, settings, monkeypatch):
    monkeypatch.setattr(queue, "MOST_OF_CLIENT", 1)
    long_list()
    response = price(client, listed(["", "", ""]))
    assert response.status_code == 400
    assert refusal(response) == "You have too many jobs waiting. Withdraw some, or wait."
    assert PricedFile.objects.count() == Job.objects.count() == 1
    assert len([*(settings.MEDIA_ROOT / "uploads").iterdir()]) == 1
    monkeypatch.setattr(pricing, "PER_HOUR", (2, 3600))
    response = price(client, listed(["", "", ""]))
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 3600


def test_the_address_of_a_client_is_not_stored(client, long_list):
    long_list()
    assert "127.0.0.1" not in str(Job.objects.get().arguments)


def test_the_address_of_a_list_stays_secret(client, live_models, caplog):
    caplog.set_level("INFO", "request")
    url = price(client, table_text([*ROWS, BAD])).url
    id_ = url.split("/")[2]
    answers = [client.get(url), client.get(f"{url}priced.csv")]
    for response in (*answers, file_at(client, f"{url}errors.csv")[0]):
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert response["X-Robots-Tag"] == "noindex"
        assert response["Referrer-Policy"] == "same-origin"
    logged = [record.msg["path"] for record in caplog.records if record.name == "request"]
    assert f"/file/{id_[:8]}…/" in logged
    assert not [path for path in logged if id_ in path]


def test_lists_are_kept_from_who_does_not_know_their_address(client, live_models):
    response = client.get("/file/00000000-0000-4000-8000-000000000000/errors.csv")
    assert response.status_code == 404
    assert client.post("/file/00000000-0000-4000-8000-000000000000/stop/").status_code == 404
