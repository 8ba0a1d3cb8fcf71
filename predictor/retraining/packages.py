"""The packages that only training needs; an installation of requirements-serving.txt has none of them."""

PACKAGES = {"pandas", "scipy", "sklearn", "threadpoolctl"}
MISSING = "training needs the packages of requirements.txt"


def is_missing(error):
    """Whether an ImportError is about a package that only training needs."""
    return (error.name or "").partition(".")[0] in PACKAGES
