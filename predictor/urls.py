"""The predictor's addresses."""

from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from . import pages, views

# The split view keeps its script out of the page, as the content security policy asks.
docs = SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="predictor/docs.html")

urlpatterns = [
    path("", pages.home, name="home"),
    path("quotes/<uuid:id>/", pages.quote, name="quote"),
    path("models/<slug:scheme>/<int:number>/", pages.model_card, name="model-card"),
    path("api/predict", views.PredictView.as_view(), name="predict"),
    path("api/model", views.ModelView.as_view(), name="model"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", docs, name="docs"),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    path("metrics", views.metrics, name="metrics"),
]
