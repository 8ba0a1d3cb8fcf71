"""The predictor's addresses."""

from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from predictor.api.health import live, metrics, ready
from predictor.api.views import ModelView, PredictView
from predictor.pages.card import model_card
from predictor.pages.home import home
from predictor.pages.quote import quote

# The split view keeps its script out of the page, as the content security policy asks.
docs = SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="predictor/docs.html")

urlpatterns = [
    path("", home, name="home"),
    path("quotes/<uuid:id>/", quote, name="quote"),
    path("models/<slug:scheme>/<int:number>/", model_card, name="model-card"),
    path("api/predict", PredictView.as_view(), name="predict"),
    path("api/model", ModelView.as_view(), name="model"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", docs, name="docs"),
    path("health/live", live, name="live"),
    path("health/ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
