from __future__ import annotations

import pytest

from appliance.model.disk_progress import DiskProgress
from appliance.model.disk_tasks import CleanupTask, TaskDocument, TaskMessage, VddkAccess
from appliance.model.documents import from_json, to_json, to_readable_json

ACCESS = VddkAccess(
    library_folder="/opt/vddk",
    temporary_folder="/tmp/run",
    server="vcenter.example",
    port=443,
    user="backup",
    password="s3cret-canary",
    thumbprint="AA:BB",
    machine="vm-1",
    snapshot=None,
    transport_modes="nbdssl",
)


def test_a_task_survives_its_document() -> None:
    task = TaskDocument(cleanup=CleanupTask(ACCESS, None, "/tmp/lock"))

    assert from_json(TaskDocument, to_json(task)) == task
    assert from_json(TaskDocument, to_readable_json(task)) == task


def test_a_missing_field_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="planned"):
        from_json(TaskMessage, b'{"progress": {"disk": "x", "done": 1}}')


def test_a_wrong_type_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="progress"):
        from_json(TaskMessage, b'{"progress": {"disk": "x", "planned": "many", "done": 1}}')


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="malformed"):
        from_json(DiskProgress, b"{nonsense")


def test_the_text_of_an_access_hides_the_password() -> None:
    assert "canary" not in repr(ACCESS)
    assert "canary" not in repr(TaskDocument(cleanup=CleanupTask(ACCESS, None, "lock")))
