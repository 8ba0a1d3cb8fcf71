"""The language switch of all pages; it takes along what is typed in the home page's form."""

from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from predictor.pages.stone_form.forms import StoneForm, chosen_scheme


@csrf_exempt  # all that another site could do is to change the language; so no page needs a token for it
def switch_language(request):
    """Django's set_language; what was typed comes back with the form, which then is the `next` page."""
    if "scheme" in request.POST:
        form = StoneForm(chosen_scheme(request.POST), request.POST)
        request.POST = request.POST.copy()
        request.POST["next"] = form.address("")
    return set_language(request)
