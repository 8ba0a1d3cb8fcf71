"""The public keys of this installation, with which anybody can check its receipts (RFC 7517)."""

from django.http import JsonResponse
from django.views.decorators.http import require_safe

from predictor.signing.keys import public_keys

SECONDS = 300
"""How long others may keep the keys; a new one signs at once, so not for long."""


@require_safe
def jwks(request):
    """All keys that signed receipts, the one that signs now first. KeysUnusable."""
    response = JsonResponse({"keys": public_keys()}, content_type="application/jwk-set+json")
    response["Cache-Control"] = f"public, max-age={SECONDS}"
    response["Access-Control-Allow-Origin"] = "*"
    return response
