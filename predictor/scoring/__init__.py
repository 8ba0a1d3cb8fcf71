"""Files of stones, priced by many processes or a Dask cluster; the command calls `services`.

services.py  a run from begin to end, and its row in the admin
plan.py      what a run is made of, and whether an earlier one may be gone on with
sources.py   the input's files, their columns, and the parts that they are priced in
files.py     files at any address, and what their names say
text_files.py, parquet_files.py   the files of either kind, and the rows of a part
outputs.py   the result's parts, each there whole or not at all
workers.py   who prices the parts
task.py      what a worker is asked to do; imports nothing of Django's
pricing.py   the prices of a table's rows
rows.py      a table's rows as stones, and what is wrong with them
"""
