"""Recorded answers worked out anew, by the very version that gave them, and the stones behind them."""

from ml.forest.matrix import row_of
from predictor.versions.live import forest_of


def comparables_of(prediction, k):
    """The k heaviest stones behind a recorded price, as `described` gives them.

    Worked out anew by the forest that gave the price, which may not be live any more; ForestFileError
    or OSError where its file is gone.
    """
    return described(forest_of(prediction.version), replayed(prediction, k))


def replayed(prediction, k=0):
    """The Answer to a recorded stone, with k comparables, by the version that gave its price.

    Its price and range are the recorded ones, to the cent. Errors as `comparables_of`.
    """
    forest = forest_of(prediction.version)
    return forest.answer(row_of(prediction.features, prediction.scheme), k)


def described(forest, answer):
    """An answer's comparables with the stones as recorded: [{stone, price, year, …}], prices in USD."""
    found = []
    for comparable in answer.comparables:
        stone = forest.recorded(comparable.row)
        del stone["price"]
        found.append(
            {
                "stone": stone,
                "price": round(comparable.price),
                "year": forest.basis.year,
                "weight": comparable.weight,
                "adjusted_price": round(comparable.adjusted_price, 2),
            }
        )
    return found
