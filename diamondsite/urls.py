"""The site's addresses: the predictor at the root, and Django's admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("predictor.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "predictor.web.exceptions.bad_request"
handler404 = "predictor.web.exceptions.not_found"
handler500 = "predictor.web.exceptions.server_error"
