"""Unusual requests to the API, the admin and pages are refused, without a server error."""

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from predictor.models import Prediction

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("content", [{}, []])
def test_a_post_with_too_many_parameters_is_refused_and_recorded(client, live_models, content):
    query = "&".join(f"a{number}=1" for number in range(1500))
    response = client.post(f"/api/predict?{query}", content, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == {"non_field_errors": ["Too many parameters."]}
    assert Prediction.objects.get().status == 400


def test_a_nul_in_an_options_name_is_refused_and_recorded(client, live_models):
    response = client.post("/api/predict?%00=1", {}, content_type="application/json")
    assert response.status_code == 400
    assert "Unknown option; there are include, k, asking, assume, version." in str(response.json())
    assert Prediction.objects.get().status == 400


@pytest.mark.parametrize("junk", ["status=abc", "cut=%00", "clarity=Great", "scheme__exact=none"])
def test_a_junk_filter_in_the_admin_is_not_a_server_error(admin_client, live_models, junk):
    page = admin_client.get(f"/admin/predictor/prediction/?{junk}")
    assert page.status_code in (200, 302)


def test_a_page_refuses_a_large_file_before_it_is_read(client, db):
    large = SimpleUploadedFile("large", b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    response = client.post("/i18n/setlang/", {"language": "en", "file": large})
    assert response.status_code == 413
    assert "django_language" not in response.cookies
