from __future__ import annotations

import pytest
from pyVmomi import vim

from appliance.vsphere.configuration import nvram_beside
from appliance.vsphere.datastore_files import DatastoreFile, datastore_file

VMX = DatastoreFile("Lab/DC", "datastore1", "web 01/web 01.vmx")


def test_a_datastore_path_is_taken_apart_and_put_together() -> None:
    assert datastore_file("/Lab/DC", "[datastore1] web 01/web 01.vmx") == VMX
    assert VMX.label == "[datastore1] web 01/web 01.vmx"


def test_a_file_in_the_datastores_root_has_siblings_there() -> None:
    assert datastore_file("/DC", "[s] a.vmx").sibling("a.nvram").path == "a.nvram"


@pytest.mark.parametrize("text", ["", "web/web.vmx", "[] web.vmx", "[store]", "/vmfs/volumes/x"])
def test_what_is_no_datastore_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a datastore path"):
        datastore_file("/DC", text)


def test_the_nvram_is_the_one_the_machine_names_or_else_called_like_the_vmx() -> None:
    named = vim.option.OptionValue(key="nvram", value="other.nvram")
    assert nvram_beside(VMX, [named]).path == "web 01/other.nvram"
    assert nvram_beside(VMX, []).path == "web 01/web 01.nvram"
