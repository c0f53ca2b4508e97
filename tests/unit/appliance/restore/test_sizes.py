from __future__ import annotations

from dataclasses import replace

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import BlockMapKind, BlockMapReference, ObjectReference
from appliance.model.units import GIB
from appliance.restore.machine_restore import bytes_to_write
from tests.fakes.recovery_points import disk, image, point

BLOCK = 262144


def block_map(rows: int) -> BlockMapReference:
    return BlockMapReference(BlockMapKind.FULL, ObjectReference("k", 0, ""), rows, RecoveryPointId("p"))


def test_a_restore_needs_what_its_maps_name_and_never_more_than_the_disks() -> None:
    thin = replace(image(disk()), block_maps=(block_map(1), block_map(3)))
    many = replace(image(disk(2001, "b")), block_maps=(block_map(10**9),))

    assert bytes_to_write(point(1, thin)) == 4 * BLOCK
    assert bytes_to_write(point(1, thin, many)) == 4 * BLOCK + GIB
