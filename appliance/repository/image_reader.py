"""One disk of one point, opened: no data of any other point is replayed."""

from __future__ import annotations

from pathlib import Path

from appliance.catalog import Overlay, iter_records, open_block_map, write_parent_file, write_plan_file
from appliance.model.blocks import BlockRecord, Segment
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.repository.errors import DiskNotInPointError
from appliance.repository.manifest import place_of
from appliance.repository.repository import Repository
from collections.abc import Iterator


class ImageReader:
    """The overlay of an image's maps. Its maps were proven whole when it was opened."""

    def __init__(self, image: DiskImage, overlay: Overlay) -> None:
        self.image = image
        self._overlay = overlay
