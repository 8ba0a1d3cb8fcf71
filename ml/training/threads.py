"""For scikit-learn in several threads at once. Called only by ml.training."""

import warnings
from contextlib import contextmanager

WITHOUT_FILTERS = "`sklearn.utils.parallel.delayed` should be used with"


@contextmanager
def filters_kept():
    """Keeps the process's filters of warnings as they are, whatever threads inside do to them.

    scikit-learn exchanges them in each of its threads. Two at once can leave none, and then it warns
    that its own calls are wrong: this warning is not shown.
    """
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_others(message, *about):
            if not str(message).startswith(WITHOUT_FILTERS):
                show(message, *about)

        warnings.filterwarnings("ignore", WITHOUT_FILTERS)
        warnings.showwarning = show_others
        yield
