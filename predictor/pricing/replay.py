"""Recorded answers worked out anew, by the very version that gave them, and the stones behind them."""

from ml.forest.matrix import row_of
from predictor.versions.live import forest_of


def replayed(prediction, k=0):
    """The Answer to a recorded stone, with k comparables, by the version that gave its price.

    Its price and range are the recorded ones, to the cent. That version may not be live any more;
    ForestFileError or OSError where its file is gone.
    """
    forest = forest_of(prediction.version)
    return forest.answer(row_of(prediction.features, prediction.scheme), k)


def described(forest, comparables):
    """Comparables with the stones as recorded: [{stone, price, year, …}], prices in USD."""
    found = []
    for comparable in comparables:
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
