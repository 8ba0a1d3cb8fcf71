"""A table of Arrow as it goes into CSV: with no cell that a spreadsheet would run, as in all other exports.

Most cells are harmless; only those that could be formulas are looked at one by one. Called by outputs.py.
"""

from functools import reduce

import pyarrow as pa
from pyarrow import compute

from ml.tables.formulas import CUTS, FORMULA_PARTS, SIGNED, SIGNS, disarmed, disarmed_row

SUSPECT = f"(?:^|[{CUTS}])'* *[{SIGNS}\\x00-\\x1f]"
"""Matches wherever `ml.tables.formulas.disarmed` would change a text, in the syntax of RE2."""


def disarmed_names(schema):
    """The same schema with its columns' names disarmed."""
    names = disarmed_row(schema.names)
    return pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])


def disarmed_table(table, schema):
    """The same table with its texts disarmed, and its columns called as in a schema."""
    columns = [_disarmed(column.combine_chunks()) for column in table.columns]
    if len(columns) > 1 and is_text(columns[0].type):
        columns[0] = _first_cells(columns[0], table)
    return pa.table(columns, schema=schema)


def is_text(kind):
    """Whether an Arrow type is one of text."""
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _disarmed(column):
    if pa.types.is_dictionary(column.type):
        dictionary = _disarmed(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, dictionary)
    if not is_text(column.type):
        return column
    return _replaced(column, _matches(column, SUSPECT), lambda row, text: disarmed(text))


def _first_cells(column, table):
    """Those of a row that a later cell could complete to a formula, disarmed: what begins with a sign."""
    suspect = _matches(column, f"^(?:{SIGNED.pattern})")
    if suspect.true_count:
        others = (
            _matches(one.combine_chunks(), FORMULA_PARTS.pattern) for one in table.columns[1:]
        )
        suspect = compute.and_(suspect, reduce(compute.or_, others))

    def whole(row, text):
        return disarmed_row([text, *(other[row].as_py() for other in table.columns[1:])])[0]

    return _replaced(column, suspect, whole)


def _matches(column, pattern):
    """Which of a column's texts a pattern is found in; none of a column of anything else."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_text(column.type):
        return pa.repeat(pa.scalar(False), len(column))
    found = compute.match_substring_regex(column.cast(pa.large_string()), pattern)
    return found.fill_null(False)


def _replaced(column, found, by):
    """A column of texts with another in the place of each that was found: by(row, text)."""
    if not found.true_count:
        return column
    rows = compute.indices_nonzero(found).to_pylist()
    plain = column.cast(pa.large_string())
    new = pa.array([by(row, plain[row].as_py()) for row in rows], plain.type)
    return compute.replace_with_mask(plain, found, new).cast(column.type)
