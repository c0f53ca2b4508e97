from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.capture.errors import MachineNotCapturableError
from appliance.capture.preparation import own_bios_uuid, refuse_uncapturable
from appliance.model.virtual_machines import VirtualMachine
from tests.fakes.vcenters import machine

OWN = "4217c0de-0000-4000-8000-00000000beef"


def test_an_ordinary_machine_is_accepted() -> None:
    refuse_uncapturable(machine("web"), OWN)
    refuse_uncapturable(replace(machine("web"), bios_uuid=""), "")


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (machine("golden", is_template=True), "template"),
        (replace(machine("web"), connected=False), "not connected"),
        (replace(machine("keepline"), bios_uuid=OWN.upper()), "the appliance itself"),
        (machine("vCLS-1234"), "vSphere Cluster Services"),
        (machine("vCLS (3)"), "vSphere Cluster Services"),
    ],
)
def test_what_has_no_point_worth_having_is_refused_with_its_reason(
    refused: VirtualMachine, reason: str
) -> None:
    with pytest.raises(MachineNotCapturableError, match=reason) as caught:
        refuse_uncapturable(refused, OWN)

    assert refused.name in str(caught.value)


def test_the_appliances_own_uuid_is_read_in_lower_case_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "product_uuid"
    file.write_text(OWN.upper() + "\n")

    assert own_bios_uuid(file) == OWN
    assert own_bios_uuid(tmp_path / "missing") == ""
