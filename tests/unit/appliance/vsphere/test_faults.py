from __future__ import annotations

import pytest
from pyVmomi import vim, vmodl

from appliance.errors import VcenterError
from appliance.vsphere import errors
from appliance.vsphere.faults import describe, error_of, translated

TABLE = [
    (vim.fault.NotAuthenticated(), errors.SessionLostError),
    (
        vim.fault.NoPermission(privilegeId="VirtualMachine.State.CreateSnapshot"),
        errors.PermissionMissingError,
    ),
    (vim.fault.TaskInProgress(), errors.TaskInProgressError),
    (vim.fault.VAppTaskInProgress(), errors.TaskInProgressError),
    (vim.fault.ConcurrentAccess(), errors.TaskInProgressError),
    (vim.fault.FileLocked(file="a.vmdk"), errors.FileLockedError),
    (vim.fault.NoDiskSpace(file="a.vmdk", datastore="store"), errors.DatastoreFullError),
    (vim.fault.InsufficientStorageSpace(), errors.DatastoreFullError),
    (vim.fault.FileFault(file="a-ctk.vmdk"), errors.DatastoreFileError),
    (vim.fault.FileNotFound(file="a.vmdk"), errors.DatastoreFileError),
    (vim.fault.ApplicationQuiesceFault(), errors.QuiesceFailedError),
    (vim.fault.ToolsUnavailable(), errors.QuiesceFailedError),
    (vim.fault.MethodDisabled(source="other"), errors.MethodDisabledError),
    (vim.fault.HostConnectFault(), errors.HostUnavailableError),
    (vmodl.fault.HostNotConnected(), errors.HostUnavailableError),
    (vmodl.fault.ManagedObjectNotFound(obj=vim.VirtualMachine("vm-1")), errors.ObjectGoneError),
    (vmodl.fault.RequestCanceled(), errors.TaskCancelledError),
    (vmodl.fault.InvalidArgument(invalidProperty="startOffset"), errors.VcenterRefusedError),
    (vim.fault.SnapshotFault(), errors.VcenterRefusedError),
]


@pytest.mark.parametrize(("fault", "expected"), TABLE, ids=lambda value: getattr(value, "__name__", None))
def test_a_fault_becomes_its_own_error(fault: vmodl.MethodFault, expected: type[VcenterError]) -> None:
    with pytest.raises(VcenterError) as caught, translated("doing something"):
        raise fault
    assert type(caught.value) is expected
    assert str(caught.value).startswith("doing something: ")
    assert caught.value.__cause__ is fault


@pytest.mark.parametrize(
    "fault",
    [
        vim.fault.GenericVmConfigFault(
            reason="x", faultMessage=[vmodl.LocalizableMessage(key="msg.snapshot.error-QUIESCINGERROR")]
        ),
        vim.fault.SnapshotFault(faultMessage=[vmodl.LocalizableMessage(key="msg.snapshot.quiesce.timeout")]),
    ],
)
def test_a_failed_quiesce_is_known_by_its_message_where_the_fault_is_a_general_one(
    fault: vmodl.MethodFault,
) -> None:
    assert isinstance(error_of(fault, "taking a snapshot"), errors.QuiesceFailedError)


def test_a_message_names_what_the_fault_names() -> None:
    assert "VirtualMachine.State.CreateSnapshot" in describe(
        vim.fault.NoPermission(privilegeId="VirtualMachine.State.CreateSnapshot")
    )
    assert describe(
        vmodl.fault.InvalidArgument(msg="A parameter was wrong. ", invalidProperty="deviceKey")
    ) == ("InvalidArgument - A parameter was wrong - invalidProperty deviceKey")


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(errors.VcenterUnreachableError, match="cannot be reached"), translated("doing"):
        raise errors.VcenterUnreachableError("vcenter", "connection refused")
