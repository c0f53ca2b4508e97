"""Block maps in Parquet, overlaid and turned into what movers read. The only importer of pyarrow."""

from appliance.catalog.block_map import BlockMap, open_block_map
from appliance.catalog.chain import write_delta_rows, write_full_rows
from appliance.catalog.draft_table import DraftPartSource, DraftRows
from appliance.catalog.errors import DamagedMapError
from appliance.catalog.index_file import write_index_file
from appliance.catalog.map_writer import BlockMapWriter, WrittenMap, open_map_writer
from appliance.catalog.overlay import Overlay
from appliance.catalog.records import iter_records
from appliance.catalog.schema import MapHeader
from appliance.catalog.segment_table import SegmentTable
from appliance.catalog.task_file_writers import write_parent_file, write_plan_file

__all__ = [
    "BlockMap",
    "BlockMapWriter",
    "DamagedMapError",
    "DraftPartSource",
    "DraftRows",
    "MapHeader",
    "Overlay",
    "SegmentTable",
    "WrittenMap",
    "iter_records",
    "open_block_map",
    "open_map_writer",
    "write_delta_rows",
    "write_full_rows",
    "write_index_file",
    "write_parent_file",
    "write_plan_file",
]
