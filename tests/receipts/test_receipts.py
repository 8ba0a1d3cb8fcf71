"""A receipt is signed on request, and checked: signature, price by the version's file, record."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ml.stones import EXAMPLES
from predictor.models import Prediction
from predictor.receipts import services
from predictor.receipts.services import judge
from predictor.signing import jws, keys
from predictor.versions.live import _kept, registry
from tests.history.test_partitions import settle
from tests.pages.helpers import ENGLISH, POLISH, page
from tests.posting import post
from tests.signing.altering import with_other_signature

GRADED, CODED = EXAMPLES["graded"][0], EXAMPLES["coded"][0]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_models")]


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.RECEIPT_KEYS_FILE = tmp_path / "receipt_keys.json"


@pytest.fixture
def answer(client):
    return client.get("/api/predict", {**GRADED, "include": "receipt"}).json()


def kind_of(value):
    return "BYTES" if isinstance(value, str) else "FP64"


def tampered(statement):
    """Raw SQL of a superuser, past the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER predictor_kept_update")
            cursor.execute("DROP TRIGGER predictor_kept_delete")
        else:
            settle()
            cursor.execute("ALTER TABLE predictor_prediction DISABLE TRIGGER USER")
        cursor.execute(statement)


class TestAnswers:
    @pytest.mark.parametrize("stone", [GRADED, CODED])
    def test_an_answer_carries_its_receipt_and_is_recorded(self, client, stone):
        given = client.get("/api/predict", {**stone, "include": "receipt"}).json()
        row = Prediction.objects.get(pk=given["id"])
        content = jws.verified(given["receipt"], services.KIND)
        assert content["id"] == given["id"]
        assert content["features"] == given["features"]
        assert (content["price"], content["low"], content["high"]) == (row.price, row.low, row.high)
        assert content["sha256"] == row.version.sha256
        assert content["signed"] >= content["created"]
        verdict = judge(given["receipt"])
        assert (verdict.code, verdict.recorded) == ("genuine", True)

    def test_without_the_option_no_receipt_and_no_key_is_made(self, client, settings):
        assert "receipt" not in client.get("/api/predict", GRADED).json()
        assert not settings.RECEIPT_KEYS_FILE.exists()

    def test_a_list_carries_one_each_beside_comparables(self, client):
        path = "/api/predict?include=comparables,receipt&k=2"
        given = client.post(path, json.dumps([GRADED, CODED]), "application/json").json()
        assert [len(one["comparables"]) for one in given] == [2, 2]
        assert {judge(one["receipt"]).code for one in given} == {"genuine"}

    def test_an_assumed_grade_is_signed_and_priced_again(self, client):
        sent = {**GRADED, "clarity": "FL", "assume": "true", "include": "receipt"}
        given = client.get("/api/predict", sent).json()
        content = jws.verified(given["receipt"], services.KIND)
        assert content["assumed"] == given["assumed"]
        verdict = judge(json.dumps(given))
        assert (verdict.code, verdict.recorded) == ("genuine", True)

    def test_the_inference_protocol_has_it_as_an_output(self, client):
        inputs = [
            {"name": name, "shape": [1], "datatype": kind_of(value), "data": [value]}
            for name, value in GRADED.items()
        ]
        body = {"inputs": inputs, "outputs": [{"name": "receipt"}]}
        given = client.post("/v2/models/graded/infer", json.dumps(body), "application/json").json()
        assert judge(given["outputs"][0]["data"][0]).code == "genuine"

    @pytest.mark.parametrize(
        ("include", "field"),
        [
            ("receipts", "include"),
            ("receipt,", "include"),
            ("receipt,comparables,receipt", "include"),
            ("receipt, comparables", "include"),
            ("RECEIPT", "include"),
        ],
    )
    def test_another_word_is_refused(self, client, include, field):
        response = client.get("/api/predict", {**GRADED, "include": include})
        assert response.status_code == 400
        assert response.json() == {field: ["Use comparables, receipt or comparables,receipt."]}
        assert Prediction.objects.get().error == response.json()

    def test_k_needs_comparables(self, client):
        response = client.get("/api/predict", {**GRADED, "include": "receipt", "k": "3"})
        assert response.json() == {"k": ["Only with include=comparables."]}

    def test_without_a_usable_key_there_is_no_price_and_no_row(self, client, settings):
        settings.RECEIPT_KEYS_FILE.write_text("junk")
        response = client.get("/api/predict", {**GRADED, "include": "receipt"})
        assert response.status_code == 503
        assert response["Retry-After"]
        assert "The keys of receipts are unavailable." in response.json()["detail"]
        assert not Prediction.objects.exists()
        assert client.get("/api/predict", GRADED).status_code == 200

    def test_the_keys_are_published(self, client, answer):
        response = client.get("/.well-known/jwks.json")
        assert response.status_code == 200
        assert response["Content-Type"] == "application/jwk-set+json"
        [key] = response.json()["keys"]
        assert {**key, "x": "", "kid": ""} == {
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "", "x": ""
        }  # fmt: skip


class TestVerdicts:
    def test_each_changed_part_is_found(self, answer):
        content = jws.verified(answer["receipt"], services.KIND)
        head, _, signature = answer["receipt"].split(".")
        for name, value in content.items():
            other = content | {name: f"{value}0" if isinstance(value, str) else 7}
            body = keys.encoded(json.dumps(other, separators=(",", ":")).encode())
            assert judge(f"{head}.{body}.{signature}").code == "changed", name

    def test_a_signed_price_that_the_forest_does_not_give_is_found(self, answer):
        content = jws.verified(answer["receipt"], services.KIND)
        for name in ("price", "low", "high"):
            signed = jws.sign(content | {name: content[name] + 1}, services.KIND)
            verdict = judge(signed)
            assert verdict.code == "other_price"
            assert verdict.why.startswith(f"{name} ")

    @pytest.mark.parametrize("gone", ["id", "sha256", "scheme", "features", "price"])
    def test_a_signed_text_that_is_no_receipt_is_refused(self, answer, gone):
        content = jws.verified(answer["receipt"], services.KIND)
        del content[gone]
        assert judge(jws.sign(content, services.KIND)).code == "not_signed"
        assert judge(jws.sign([content], services.KIND)).code == "not_signed"

    def test_without_the_versions_file_only_the_signature_is_checked(self, answer, live_models):
        registry._live.clear()
        _kept.cache_clear()
        live_models["graded"].artifact.delete(save=False)
        verdict = judge(answer["receipt"])
        assert (verdict.code, verdict.recorded) == ("no_file", True)
        assert judge(json.dumps(answer)).code == "no_file"
        assert judge(json.dumps(answer | {"predicted_price": 1})).code == "other_answer"

    def test_a_changed_row_is_found_by_its_receipt_and_not_signed_again(self, client, answer):
        tampered("UPDATE predictor_prediction SET price = price + 1, high = high + 1")
        assert judge(answer["receipt"]).recorded is False
        row = Prediction.objects.get()
        assert services.receipt_of_recorded(row) is None
        assert client.get(f"{row.get_absolute_url()}receipt/").status_code == 404

    @pytest.mark.parametrize("change", ["scheme = 'coded'", "scheme = ''", "version_id = NULL"])
    def test_a_row_that_cannot_be_read_any_more_is_another_one(self, answer, change):
        tampered(f"UPDATE predictor_prediction SET {change}")  # noqa: S608
        verdict = judge(answer["receipt"])
        assert (verdict.code, verdict.recorded) == ("genuine", False)

    def test_a_row_that_is_gone_leaves_the_receipt_genuine(self, answer):
        tampered("DELETE FROM predictor_prediction")
        verdict = judge(answer["receipt"])
        assert (verdict.code, verdict.recorded) == ("genuine", None)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("id", "x"),
            ("predicted_price", 1),
            ("price_range", {"low": 1, "high": 2}),
            ("price_range", None),
            ("price_range", [1, 2]),
            ("price_range", "x"),
            ("features", {}),
            ("price_per_carat", 1),
            ("currency", "EUR"),
            ("price_year", 2026),
            ("assumed", [{"field": "cut", "sent": "Excellent", "used": "Ideal", "price_as": {}}]),
            ("model", {"scheme": "graded", "version": 2}),
            ("model", None),
        ],
    )
    def test_an_answer_that_differs_from_its_receipt_is_found(self, answer, name, value):
        assert judge(json.dumps(answer)).code == "genuine"
        verdict = judge(json.dumps(answer | {name: value}))
        assert verdict.code == "other_answer"
        assert verdict.why == f"the answer’s {name} differs from its receipt"

    def test_a_receipt_is_found_in_an_address_between_spaces_and_after_a_byte_order_mark(
        self, answer
    ):
        receipt = answer["receipt"]
        assert judge(f"\n {receipt}\n").code == "genuine"
        assert judge(f"\ufeff{json.dumps(answer)}").code == "genuine"
        assert judge(f"https://x.example/receipts/?receipt={receipt}&a=b").code == "genuine"

    @pytest.mark.parametrize(
        "text", ["", "{", "{}", '{"receipt": 1}', "[" * 60_000, '{"a":' * 9_000]
    )
    def test_other_texts_are_no_receipts(self, text):
        assert judge(text).code in ("not_signed", "too_long")

    def test_a_text_that_is_too_long_is_not_read(self, monkeypatch):
        monkeypatch.setattr(json, "loads", None)
        assert judge("{" + " " * services.LARGEST).code == "too_long"


class TestCommand:
    def verify(self, tmp_path, capsys, content):
        file = tmp_path / "receipt.txt"
        file.write_text(content)
        try:
            call_command("receipt", "verify", str(file))
        except CommandError as error:
            return str(error), error.returncode
        return capsys.readouterr().out.strip(), 0

    def test_a_genuine_one_is_named_in_a_line(self, answer, tmp_path, capsys):
        line, status = self.verify(tmp_path, capsys, answer["receipt"])
        assert status == 0
        assert line.startswith(f"genuine: {answer['id']}, ")
        assert line.endswith("; in the history")
        assert f"graded 1: {answer['predicted_price']} USD" in line

    def test_a_folder_is_named(self, tmp_path):
        with pytest.raises(CommandError, match=f"^{tmp_path}: Is a directory$"):
            call_command("receipt", "verify", str(tmp_path))

    def test_a_changed_one_is_refused_in_a_line(self, answer, tmp_path, capsys):
        line, status = self.verify(tmp_path, capsys, with_other_signature(answer["receipt"]))
        assert (line, status) == (
            "not genuine: its content was changed, or its signature is not genuine",
            1,
        )

    def test_a_changed_record_and_a_missing_file_have_their_own_lines(
        self, answer, tmp_path, capsys, live_models
    ):
        registry._live.clear()
        _kept.cache_clear()
        live_models["graded"].artifact.delete(save=False)
        line, status = self.verify(tmp_path, capsys, answer["receipt"])
        assert (line, status) == (
            "signed here, but the price was not checked: its version's file is not here",
            3,
        )
        tampered("UPDATE predictor_prediction SET request = 'x'")
        line, status = self.verify(tmp_path, capsys, answer["receipt"])
        assert (line, status) == (
            "the receipt is genuine, but the history has another answer under its ID",
            1,
        )

    def test_after_a_rotation_the_old_receipt_is_still_genuine(self, answer, tmp_path, capsys):
        call_command("receipt", "rotate", skip_checks=False)  # as on the command line
        kid, rest = capsys.readouterr().out.split(" ", 1)
        assert len(kid) > 20
        assert rest == "signs from now on; 1 older keys are published\n"
        assert self.verify(tmp_path, capsys, json.dumps(answer))[1] == 0

    @pytest.mark.parametrize("arguments", [("verify",), ("rotate", "file")])
    def test_a_wrong_number_of_arguments_is_refused(self, arguments):
        with pytest.raises(CommandError, match="FILE"):
            call_command("receipt", *arguments)


class TestPages:
    @pytest.mark.parametrize(
        ("headers", "word"), [(ENGLISH, "✓ Genuine"), (POLISH, "✓ Autentyczne")]
    )
    def test_a_pasted_receipt_gets_a_plain_verdict(self, client, answer, headers, word):
        response = client.post("/receipts/", {"receipt": answer["receipt"]}, headers=headers)
        assert response.status_code == 200
        assert word in page(response)
        assert f"/quotes/{answer['id']}/" in page(response)
        assert "<script" not in page(response)

    def test_the_address_in_the_qr_code_opens_the_verdict(self, client, answer):
        response = client.get("/receipts/", {"receipt": answer["receipt"]}, headers=ENGLISH)
        assert "✓ Genuine" in page(response)

    def test_the_page_without_a_receipt_has_the_form(self, client):
        response = client.get("/receipts/", headers=ENGLISH)
        assert response.status_code == 200
        assert '<textarea id="receipt"' in page(response)

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            (with_other_signature, "✗ Not genuine"),
            (lambda text: "<script>", "✗ Not a receipt"),
            (lambda text: "x" * (services.LARGEST + 1), "✗ Not a receipt"),
            (lambda text: "\x00", "✗ Not a receipt"),
        ],
    )
    def test_any_other_text_is_refused(self, client, answer, change, word):
        response = client.post(
            "/receipts/", {"receipt": change(answer["receipt"])}, headers=ENGLISH
        )
        assert response.status_code == 400
        assert word in page(response)

    def test_unusable_keys_and_a_missing_file_are_named(
        self, client, answer, settings, live_models
    ):
        registry._live.clear()
        _kept.cache_clear()
        live_models["graded"].artifact.delete(save=False)
        ask = lambda: page(client.get("/receipts/", answer, headers=ENGLISH))  # noqa: E731
        assert "the model file of its version is not available" in ask()
        settings.RECEIPT_KEYS_FILE.write_text("junk")
        assert "The keys of receipts are unavailable." in ask()

    def test_a_changed_record_is_reported(self, client, answer):
        tampered("UPDATE predictor_prediction SET client = 'x', carat = 2")
        response = client.post("/receipts/", {"receipt": answer["receipt"]}, headers=ENGLISH)
        assert "✗ The record was changed" in page(response)
        assert "not in the history any more" not in page(response)

    def test_only_of_an_answer_that_is_gone_it_says_so(self, client, answer):
        ask = lambda **changes: client.post(  # noqa: E731
            "/receipts/", {"receipt": json.dumps(answer | changes)}, headers=ENGLISH
        )
        shown = page(ask(predicted_price=1))
        assert "✗ Changed" in shown
        assert "not in the history any more" not in shown
        tampered("DELETE FROM predictor_prediction")
        assert "not in the history any more" in page(ask())

    def test_checks_count_against_the_limit(self, client, answer, settings):
        settings.API_THROTTLE = (1, 60)
        ask = lambda: client.post("/receipts/", {"receipt": "x"}, headers=ENGLISH)  # noqa: E731
        assert [ask().status_code for _ in range(2)] == [400, 429]

    def test_a_quote_has_its_receipt_as_text_and_as_a_qr_code(self, client, answer):
        quote = f"/quotes/{answer['id']}/"
        assert f'src="{quote}receipt.svg"' in page(client.get(quote, headers=ENGLISH))
        shown = page(client.get(f"{quote}receipt/", headers=ENGLISH))
        receipt = shown.partition("readonly>")[2].partition("</textarea>")[0]
        assert judge(receipt).code == "genuine"
        drawn = client.get(f"{quote}receipt.svg")
        assert drawn["Content-Type"] == "image/svg+xml"
        assert drawn.content.startswith(b"<?xml")

    def test_an_unknown_quote_and_a_refusal_have_none(self, client):
        post(client, {"carat": 1})
        for id_ in (Prediction.objects.get().pk, "0" * 8 + "-0000-0000-0000-" + "0" * 12):
            assert client.get(f"/quotes/{id_}/receipt/").status_code == 404
            assert client.get(f"/quotes/{id_}/receipt.svg").status_code == 404


def test_a_receipt_signed_later_says_so(client, answer, monkeypatch):
    later = Prediction.objects.get().created + timedelta(days=3)
    monkeypatch.setattr(services.timezone, "now", lambda: later)
    content = jws.verified(services.receipt_of_recorded(Prediction.objects.get()), services.KIND)
    assert content["signed"] > content["created"]
    assert {**content, "signed": ""} == {
        **jws.verified(answer["receipt"], services.KIND),
        "signed": "",
    }
