"""What a table of Arrow is disarmed to is what the writer of CSV makes of its rows, whatever its types."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.tables.formulas import disarmed_row
from predictor.scoring.disarming import disarmed_names, disarmed_table

CELLS = st.text("=+-@＝\t\r\n\0'\";, |x(1é", max_size=6) | st.none()
KINDS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4))
def test_a_table_is_disarmed_as_its_rows_are(kind, rows):
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    columns = [columns[0], *(column.cast(kind) for column in columns[1:])]
    table = pa.table(columns, ["=a", "b", "-c"])
    schema = disarmed_names(table.schema)
    found = disarmed_table(table, schema)
    assert found.column_names == ["'=a", "b", "'-c"]
    assert found.schema.types == table.schema.types
    assert [[*row.values()] for row in found.to_pylist()] == [disarmed_row(row) for row in rows]
