"""The predictor's addresses."""

from django.urls import path

from predictor.api.docs import docs
from predictor.api.health import live, metrics, ready
from predictor.api.keys import jwks
from predictor.api.predictions import ActualsView, ActualView, RecordedView
from predictor.api.views import ModelView, PredictView, SchemaView
from predictor.inference import health as protocol
from predictor.inference.views import InferView, ModelReadyView, ServerView
from predictor.inference.views import ModelView as ProtocolModelView
from predictor.pages.language import switch_language
from predictor.pages.model_card import model_card, models
from predictor.pages.price_file.priced import (
    errors_csv,
    priced_csv,
    priced_file,
    sample_csv,
    stop_list,
)
from predictor.pages.price_file.upload import price_file
from predictor.pages.quotes.quote import quote
from predictor.pages.quotes.recent import comparison, forget, quotes
from predictor.pages.quotes.shared import picture
from predictor.pages.receipts import quote_qr, quote_receipt, receipts
from predictor.pages.site import favicon, manifest
from predictor.pages.stone_form.home import home
from predictor.pages.stone_form.preview import preview
from predictor.pages.stones import stones


def both(what, view, name):
    """An address of a model of the Open Inference Protocol, without and with a version."""
    model = "v2/models/<str:scheme>"
    return [
        path(f"{model}{what}", view.as_view(), name=name),
        path(f"{model}/versions/<str:number>{what}", view.as_view(), name=f"{name}-version"),
    ]


urlpatterns = [
    path("", home, name="home"),
    path("preview/", preview, name="preview"),
    path("quotes/", quotes, name="quotes"),
    path("quotes/compare/", comparison, name="comparison"),
    path("quotes/forget/", forget, name="forget-quotes"),
    path("quotes/<uuid:id>/", quote, name="quote"),
    path("quotes/<uuid:id>/receipt/", quote_receipt, name="quote-receipt"),
    path("quotes/<uuid:id>/receipt.svg", quote_qr, name="quote-qr"),
    path("receipts/", receipts, name="receipts"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("file/", price_file, name="price-file"),
    path("file/sample-<slug:scheme>.csv", sample_csv, name="sample-csv"),
    path("file/<uuid:id>/", priced_file, name="priced-file"),
    path("file/<uuid:id>/priced.csv", priced_csv, name="priced-csv"),
    path("quotes/<uuid:id>/picture-<slug:language>-<slug:size>.png", picture, name="quote-picture"),
    path("file/<uuid:id>/errors.csv", errors_csv, name="list-errors"),
    path("file/<uuid:id>/stop/", stop_list, name="stop-list"),
    path("stones/", stones, name="stones"),
    path("models/", models, name="models"),
    path("favicon.ico", favicon, name="favicon"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("models/<slug:scheme>/<int:number>/", model_card, name="model-card"),
    path("api/predict", PredictView.as_view(), name="predict"),
    path("api/predictions/actual", ActualsView.as_view(), name="actuals"),
    path("api/predictions/<uuid:id>", RecordedView.as_view(), name="recorded"),
    path("api/predictions/<uuid:id>/actual", ActualView.as_view(), name="actual"),
    path("api/model", ModelView.as_view(), name="model"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", docs, name="docs"),
    path("i18n/setlang/", switch_language, name="set_language"),
    path("health/live", live, name="live"),
    path("health/ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("v2", ServerView.as_view(), name="v2"),
    path("v2/", ServerView.as_view()),
    path("v2/health/live", protocol.live, name="v2-live"),
    path("v2/health/ready", protocol.ready, name="v2-ready"),
    *both("", ProtocolModelView, "v2-model"),
    *both("/ready", ModelReadyView, "v2-model-ready"),
    *both("/infer", InferView, "v2-infer"),
]
