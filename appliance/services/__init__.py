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
from appliance.services.points import PointCatalog, PointService, RepositoryPoints, image_of
from appliance.services.repositories import InitialisedRepository, RepositoryService
from appliance.services.restores import RestoreService
from appliance.services.run_queue import RunQueue
from appliance.services.runs import RunService
from appliance.services.vcenter_gateway import (
    LoggedInVcenters,
    VcenterGateway,
    VcenterSession,
    VsphereGateway,
)
from appliance.services.vcenters import Check, ListedVcenter, NewVcenter, VcenterService
from appliance.services.version import software_version

__all__ = [
    "BackupOrder",
    "BackupService",
    "Check",
    "DiskNotFoundError",
    "InitialisedRepository",
    "InventoryService",
    "ListedMachine",
    "ListedVcenter",
    "LoggedInVcenters",
    "MachineIsTemplateError",
    "NewVcenter",
    "NoVcenterError",
    "PointCatalog",
    "PointService",
    "RepositoryPoints",
    "RepositoryService",
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
    "software_version",
]
