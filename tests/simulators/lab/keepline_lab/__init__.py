"""The laboratory: a simulated vCenter and a simulated VDDK over disk files in one folder."""

from keepline_lab.address import LabAddress, LabDisk, LabMachine
from keepline_lab.control import Control
from keepline_lab.errors import LabError
from keepline_lab.lab import Lab, running_address
from keepline_lab.library import LibraryBehaviour, VddkFault
from keepline_lab.machines import Datastore, Disk, Machine
from keepline_lab.settings import VcenterSettings
from keepline_lab.toolchain import Simulators, build_simulators

__all__ = [
    "Control",
    "Datastore",
    "Disk",
    "Lab",
    "LabAddress",
    "LabDisk",
    "LabError",
    "LabMachine",
    "LibraryBehaviour",
    "Machine",
    "Simulators",
    "VcenterSettings",
    "VddkFault",
    "build_simulators",
    "running_address",
]
