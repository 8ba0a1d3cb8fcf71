"""Recorded answers for programs: the answer again, and what the stone cost in the end (outcomes)."""

from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response

from predictor.models import Prediction
from predictor.pricing.answers import as_json
from predictor.review import outcomes
from predictor.web.access import TokenAccess
from predictor.web.exceptions import TooManyRequests
from predictor.web.programs import JsonView

from . import documentation

AN_HOUR = 3600


class MayReport(BasePermission):
    """The user of the token may report outcomes: an administrator gives this permission."""

    message = "The user of this token may not report prices."

    def has_permission(self, request, view):
        return request.user.has_perm("predictor.add_outcome")


class RecordedView(JsonView):
    """A recorded answer."""

    http_method_names = ["get", "head", "options"]

    @documentation.recorded
    def get(self, request, id):  # noqa: A002
        answers = Prediction.objects.filter(status=200).select_related("version")
        found = answers.defer("version__card", "request").filter(pk=id).first()
        if found is None:
            raise NotFound(f"There is no answer {id}.")
        return Response(as_json(found))


class OutcomeView(JsonView):
    """Base of the views that take outcomes; they need a token whose user may report them."""

    http_method_names = ["post", "options"]

    def get_authenticators(self):
        return [TokenAccess()]

    def get_permissions(self):
        return [IsAuthenticated(), MayReport()]

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS":
            self.check_permissions(request)


class ActualView(OutcomeView):
    """The outcome of one answer."""

    @documentation.actual
    def post(self, request, id):  # noqa: A002
        if not isinstance(request.data, dict):
            raise ValidationError({"non_field_errors": ["Give an object."]})
        try:
            [outcome] = _reported([{**request.data, "id": str(id)}], request.user)
        except ValidationError as error:
            [of_row] = error.detail
            errors = {name: messages for name, messages in of_row.items() if name != "row"}
            if "id" in errors:
                raise _about_answer(errors["id"][0], id) from None
            raise ValidationError(errors) from None
        return Response(_as_json(outcome))


class ActualsView(OutcomeView):
    """The outcomes of many answers, all or none."""

    @documentation.actuals
    def post(self, request):
        if not isinstance(request.data, list):
            raise ValidationError({"non_field_errors": ["Give a list of outcomes."]})
        return Response([_as_json(one) for one in _reported(request.data, request.user)])


def _reported(sent, user):
    try:
        return outcomes.report(sent, user)
    except outcomes.TooManyWaiting:
        message = f"Over {outcomes.MOST_WAITING:,} of your outcomes wait for a reviewer."
        raise TooManyRequests(AN_HOUR, message) from None


class Reviewed(APIException):
    """The outcome was reviewed, and is another one."""

    status_code = 409


def _about_answer(message, id_):
    """The error of the answer that an address names: it does not exist, or its outcome was reviewed."""
    if message.code == outcomes.REVIEWED:
        return Reviewed(message)
    return NotFound(message)


def _as_json(outcome):
    """An outcome, as the API describes it."""
    return {
        "id": str(outcome.prediction_id),
        "amount": outcome.amount,
        "currency": outcome.currency,
        "kind": outcome.kind,
        "when": outcome.sold_on and outcome.sold_on.isoformat(),
        "state": outcome.state,
        "by": outcome.by.get_username(),
        "reported": outcome.at.isoformat(),
    }
