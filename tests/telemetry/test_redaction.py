"""Passwords and signatures are removed from addresses before they are stored, logged or shown."""

import logging
import sys

import pytest

from predictor.telemetry.logs import JsonFormatter, TextFormatter
from predictor.telemetry.redaction import redacted

REDACTED = {
    "https://ada:hush@shop.example:8443/a.csv": "https://shop.example:8443/a.csv",
    "https://hush@shop.example/a.csv": "https://shop.example/a.csv",
    "https://ada:p@ss@shop.example/a.csv": "https://shop.example/a.csv",
    "tcp://ada:hush@scheduler:8786": "tcp://scheduler:8786",
    "s3://b/a.csv?X-Amz-Credential=A%2F1&X-Amz-Signature=2f": "s3://b/a.csv",
    "https://b/a?id=7&X-Amz-Signature=2f&part=1": "https://b/a?id=7&part=1",
    "https://b/a?X%2DAmz-Signature=2f&id=7": "https://b/a?id=7",
    "https://b/a?AWSAccessKeyId=A&Expires=1&Signature=x": "https://b/a?Expires=1",
    "https://b/a?sv=2022&sig=abc%3D": "https://b/a?sv=2022",
    "https://b/a?token=x#access_token=y": "https://b/a",
    "https://b/a?id=7#access_token=y": "https://b/a?id=7",
    "https://b/a?id=7;sig=x&part=1": "https://b/a?part=1",
    "https://b/a?pass=x&hmac=y": "https://b/a",
    "https://b/a?api_key=x&PASSWORD=y": "https://b/a",
    "filecache::https://ada:hush@b/a?sig=x": "filecache::https://b/a",
    "zip://one.csv::https://b/a.zip?sig=x": "zip://one.csv::https://b/a.zip",
    "403, url='https://b/a?sig=x': refused": "403, url='https://b/a': refused",
    "postgres://ada:hush@db:5432/diamonds": "postgres://db:5432/diamonds",
}

LEFT_ALONE = (
    "",
    "/data/a@b/stones.csv",
    "/data/part-?.csv",
    "/data/a?token=1",
    "s3://bucket/part-?.csv",
    "s3://bucket/a@b.csv",
    "https://b/a?id=7#top",
    "https://b/a already exists: is it? Name another",
    "https://b/a?token",
)


@pytest.mark.parametrize(("text", "left"), REDACTED.items())
def test_secrets_are_removed(text, left):
    assert redacted(text) == left
    assert redacted(f"{text} and {text}") == f"{left} and {left}"


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_other_texts_are_left_unchanged(text):
    assert redacted(text) == text


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
@pytest.mark.parametrize("inputs", [True, False])
def test_no_line_of_the_log_has_them(formatter, inputs):
    try:
        raise OSError("cannot reach postgres://ada:hush@db/diamonds")
    except OSError:
        record = logging.LogRecord(
            "any", logging.ERROR, "", 0, "https://ada:hush@b/a?sig=x", (), sys.exc_info()
        )
    line = formatter(inputs).format(record)
    assert "https://b/a" in line
    assert "postgres://db/diamonds" in line
    assert "hush" not in line
    assert "sig=" not in line
