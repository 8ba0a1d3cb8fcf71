import warnings

from sklearn.utils.parallel import Parallel, delayed

from ml.training.threads import filters_kept


def fit():
    """What scikit-learn does in each thread."""
    return Parallel(n_jobs=1)(delayed(abs)(number) for number in (-1, 2))


def test_lost_filters_are_neither_warned_of_nor_left_behind():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("error")
        before = list(warnings.filters)
        with filters_kept():
            warnings.resetwarnings()  # as another thread leaves them
            fitted = fit()
            warnings.warn("another warning", stacklevel=1)
        assert warnings.filters == before
    assert fitted == [1, 2]
    assert [str(one.message) for one in shown] == ["another warning"]


def test_filters_that_come_back_do_not_turn_it_into_an_error(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with filters_kept():
            monkeypatch.setattr(
                "sklearn.utils.parallel.get_config", dict
            )  # warns as without filters
            assert fit() == [1, 2]
