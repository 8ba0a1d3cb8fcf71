"""Prices files of stones in many processes or on a Dask cluster; the command calls `services`.

services.py  a run from start to end, and its row in the admin
plan.py      the plan of a run, and whether an earlier run can be resumed
sources.py   the input's files, their columns, and the parts that they are priced in
files.py     files at any address, and the information in their names
text_files.py, parquet_files.py   files of either type, and the rows of a part
outputs.py   the parts of the result, each complete or missing
workers.py   local processes or Dask workers
task.py      the work of a worker; imports nothing from Django
pricing.py   the prices of a table's rows
rows.py      a table's rows as stones, and their errors
"""
