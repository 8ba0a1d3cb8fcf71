"""The tables: model versions and activations, predictions, idempotency keys, reported prices, priced files,
jobs, reviews, monitoring and shadows."""

from .files import PricedFile
from .idempotency import IdempotencyKey
from .jobs import Job, Worker
from .monitoring import Alarm, MonitoredDay
from .outcomes import Outcome
from .predictions import Prediction, may_be_recorded
from .reviews import Review, ReviewLock, Sample, SampledPrediction, SavedView, SecondReview
from .scoring import ScoringRun
from .shadows import Shadow, ShadowPrice
from .versions import SCHEME_CHOICES, Activation, ModelVersion

__all__ = [
    "SCHEME_CHOICES",
    "Activation",
    "Alarm",
    "IdempotencyKey",
    "Job",
    "ModelVersion",
    "MonitoredDay",
    "Outcome",
    "Prediction",
    "PricedFile",
    "Review",
    "ReviewLock",
    "Sample",
    "SampledPrediction",
    "SavedView",
    "ScoringRun",
    "SecondReview",
    "Shadow",
    "ShadowPrice",
    "Worker",
    "may_be_recorded",
]
