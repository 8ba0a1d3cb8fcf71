"""What the tests of pages share: they submit forms and read values from the pages."""

import re
from html import unescape

from ml.stones import EXAMPLES, SCHEMES
from predictor.models import Prediction

ENGLISH = {"accept-language": "en"}
POLISH = {"accept-language": "pl"}
STONES = {scheme: {k: str(v) for k, v in EXAMPLES[scheme][0].items()} for scheme in SCHEMES}
NBSP = "\xa0"
SCOPE = "Natural, round diamonds; asking prices in US dollars of about 2008."


def page(response):
    """The HTML of a page with its character references resolved."""
    return unescape(response.content.decode())


def text_of(response):
    """The text of a page, without its tags, in single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page(response)).split())


def submit(client, scheme="graded", headers=ENGLISH, **changes):
    return client.post("/", {"scheme": scheme, **STONES[scheme], **changes}, headers=headers)


def error_at(response, name):
    """The error messages of a field."""
    found = re.search(
        rf'<ul class="errorlist" id="id_{name}_error">(.*?)</ul>', page(response), re.S
    )
    return re.findall(r"<li>(.*?)</li>", found[1]) if found else []


def control(response, name):
    """The opening tag of a field's input or select."""
    return re.search(rf'<(?:input|select)[^>]*\bname="{name}"[^>]*>', page(response))[0]


def quoted(client, scheme="graded", headers=ENGLISH, **changes):
    """The quote page of a stone submitted with the form, and its row."""
    response = submit(client, scheme, headers, **changes)
    assert response.status_code == 302, page(response)
    return client.get(response.url, headers=headers), Prediction.objects.get()
