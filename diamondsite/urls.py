"""The site's addresses: the predictor at the root, Django admin, the language switch."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("predictor.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]

handler500 = "predictor.web.exceptions.server_error"
