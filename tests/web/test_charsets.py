"""Forms in encodings that no browser sends: Python has many, some of them slow, some not for text."""

from itertools import product

import pytest

from predictor.models import Prediction
from tests.bodies import SCHEMES

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
ODD = [
    "utf-7",
    "utf-16",
    "punycode",
    "idna",
    "unicode_escape",
    "undefined",
    "zlib_codec",
    "latin-1",
]


def parts(text):
    one = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    names = ("scheme", "shape", *SCHEMES["graded"])
    return "".join(one.format(name, text) for name in names) + "--b--\r\n"


@pytest.mark.parametrize("path", ["/", "/preview/", "/file/", "/admin/login/", "/i18n/setlang/"])
def test_a_form_in_another_encoding_is_refused(client, live_models, path):
    forms = (PARTS, parts("\\ud800")), (FORM, "carat=\\ud800")
    for charset, (kind, body) in product(ODD, forms):
        response = client.generic("POST", path, body.encode(), f"{kind}; charset={charset}")
        assert response.status_code == 400, (charset, kind)
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=UTF-8"])
def test_a_form_in_utf_8_is_read(client, live_models, charset):
    assert (
        client.generic("POST", "/preview/", parts("ż").encode(), f"{PARTS}{charset}").status_code
        == 200
    )
