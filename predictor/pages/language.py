"""The language switch of all pages; it keeps what is typed in the home page's form."""

from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from predictor.pages.stone_form.forms import StoneForm, chosen_scheme
from predictor.pages.stone_form.pasted import pasted


@csrf_exempt  # another site could only change the language, so pages need no token for it
def switch_language(request):
    """Django's set_language; the typed values are kept in the address of the `next` page, the form."""
    if "scheme" in request.POST:
        data, _report = pasted(request.POST)
        form = StoneForm(chosen_scheme(data), data)
        request.POST = request.POST.copy()
        request.POST["next"] = form.address("")
    return set_language(request)
