"""The option of commands that read tables: which column holds what."""

from argparse import ArgumentTypeError

from ml.tables.headings import HEADINGS, OF_STONES

FIELDS = (*HEADINGS, *OF_STONES)


def add_column_option(parser):
    """Adds --column; its values are [(field, heading), …] in `columns`."""
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        dest="columns",
        type=column,
        metavar="FIELD=HEADING",
        help="the column of a field, if its heading is not recognized: --column carat=Weight",
    )


def column(text):
    """(field, heading) of carat=Weight."""
    name, mark, heading = text.partition("=")
    if not mark or name not in FIELDS:
        raise ArgumentTypeError(f"give FIELD=HEADING; the fields are {', '.join(FIELDS)}")
    return name, heading
