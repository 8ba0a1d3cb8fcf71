"""The predictor's addresses."""

from django.urls import path

from predictor.api.docs import docs
from predictor.api.health import live, metrics, ready
from predictor.api.views import ModelView, PredictView, SchemaView
from predictor.pages.card import model_card
from predictor.pages.home import home
from predictor.pages.language import switch_language
from predictor.pages.quote import quote

urlpatterns = [
    path("", home, name="home"),
    path("quotes/<uuid:id>/", quote, name="quote"),
    path("models/<slug:scheme>/<int:number>/", model_card, name="model-card"),
    path("api/predict", PredictView.as_view(), name="predict"),
    path("api/model", ModelView.as_view(), name="model"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", docs, name="docs"),
    path("i18n/setlang/", switch_language, name="set_language"),
    path("health/live", live, name="live"),
    path("health/ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
