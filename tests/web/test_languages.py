"""The reader's language: the chosen one, else the browser's, else that of the settings."""

import pytest

pytestmark = [pytest.mark.once, pytest.mark.django_db]

READERS = [
    # Accept-Language, chosen language, the answer's language: (default pl, fallback en)
    (None, None, "pl"),
    ("", None, "pl"),
    ("*", None, "pl"),
    ("pl", None, "pl"),
    ("pl-PL,pl;q=0.9,en;q=0.8", None, "pl"),
    ("en-US,en;q=0.9", None, "en"),
    ("en-GB", None, "en"),
    ("de", None, "en"),
    ("de-AT,de;q=0.9", None, "en"),
    ("de, *;q=0.5", None, "en"),
    ("fr-CH, fr;q=0.9, de;q=0.7, *;q=0.5", None, "en"),
    ("de, pl;q=0.1", None, "pl"),
    ("de, pl;q=0.1, en;q=0.2", None, "en"),
    ("de", "pl", "pl"),
    ("pl", "en", "en"),
    ("de", "fr", "en"),
    (None, "en", "en"),
    ("so much nonsense; q=x", None, "pl"),
    ("zz-" + "z" * 600, None, "pl"),
]


def language(client, asked, chosen):
    """The language of a reader's page, in its header and its markup."""
    if chosen:
        client.cookies["django_language"] = chosen
    page = client.get("/nix", headers={} if asked is None else {"accept-language": asked})
    assert f'<html lang="{page["Content-Language"]}">' in page.text
    return page["Content-Language"]


@pytest.mark.parametrize(("asked", "chosen", "expected"), READERS)
def test_a_reader_is_answered_in_a_language_that_fits(client, asked, chosen, expected):
    assert language(client, asked, chosen) == expected


@pytest.mark.parametrize(
    ("default", "fallback", "asked", "expected"),
    [
        ("en", "en", None, "en"),
        ("en", "en", "pl", "pl"),
        ("en", "pl", "de", "pl"),
        ("pl", "pl", "de", "pl"),
        ("pl", "pl", "en", "en"),
    ],
)
def test_the_settings_say_otherwise(client, settings, default, fallback, asked, expected):
    settings.LANGUAGE_CODE, settings.FALLBACK_LANGUAGE = default, fallback
    assert language(client, asked, None) == expected
