"""PyIceberg's Hive catalog."""
import os

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.types import LongType

catalog = load_catalog("h", type="hive", uri=os.environ["HMS"], warehouse="file://" + os.environ["DIR"] + "/ice")
catalog.create_namespace("py")
rows = pa.table({"a": [1, 2], "b": ["x", "y"]})
table = catalog.create_table("py.t", schema=rows.schema)
table.append(rows)
table.append(rows)
assert table.scan().to_arrow().num_rows == 4
with table.update_schema() as update:
    update.add_column("c", LongType())
assert len(catalog.load_table("py.t").schema().fields) == 3
catalog.rename_table("py.t", "py.u")
assert catalog.list_tables("py") == [("py", "u")]
catalog.drop_table("py.u")
catalog.drop_namespace("py")
print("pyiceberg passed")
