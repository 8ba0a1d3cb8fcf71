"""The predictor's addresses."""

from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from . import pages, views

urlpatterns = [
    path("", pages.home, name="home"),
    path("quotes/<uuid:id>/", pages.quote, name="quote"),
    path("models/<slug:scheme>/<int:number>/", pages.model_card, name="model-card"),
    path("api/predict", views.PredictView.as_view(), name="predict"),
    path("api/model", views.ModelView.as_view(), name="model"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
]
