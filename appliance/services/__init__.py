"""What an admin can ask of Keepline: the same for the command line and, later, the console."""

from appliance.services.backups import BackupOrder, BackupService
from appliance.services.errors import (
    DiskNotFoundError,
    MachineIsTemplateError,
    NoVcenterError,
    StillInUseError,
    TargetExistsError,
    TargetFolderError,
    ThumbprintDiffersError,
    ThumbprintNotConfirmedError,
)
from appliance.services.inventory import InventoryService, ListedMachine
from appliance.services.points import PointCatalog, PointService, image_of
from appliance.services.restores import RestoreService
from appliance.services.run_queue import RunQueue
from appliance.services.runs import RunService
from appliance.services.vcenter_gateway import VcenterGateway, VcenterSession, VsphereGateway
from appliance.services.vcenters import Check, ListedVcenter, NewVcenter, VcenterService

__all__ = [
    "BackupOrder",
    "BackupService",
    "Check",
    "DiskNotFoundError",
    "InventoryService",
    "ListedMachine",
    "ListedVcenter",
    "MachineIsTemplateError",
    "NewVcenter",
    "NoVcenterError",
    "PointCatalog",
    "PointService",
    "RestoreService",
    "RunQueue",
    "RunService",
    "StillInUseError",
    "TargetExistsError",
    "TargetFolderError",
    "ThumbprintDiffersError",
    "ThumbprintNotConfirmedError",
    "VcenterGateway",
    "VcenterService",
    "VcenterSession",
    "VsphereGateway",
    "image_of",
]
