from __future__ import annotations

from pathlib import Path

import pytest

from appliance.codec import DamagedBlockError
from appliance.errors import DamageError
from appliance.repository.points import list_points
from appliance.repository.verification import iter_findings
from tests.compatibility.damaged_repositories import DAMAGES, Damage, Example, make_example
from tests.fakes.backups import restore


@pytest.fixture(scope="module")
def healthy() -> Example:
    return make_example()


def test_a_healthy_repository_has_no_findings(healthy: Example) -> None:
    assert list(iter_findings(healthy.repository)) == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_check_names_every_disk_of_every_point_that_is_hurt_and_no_other(
    healthy: Example, damage: Damage
) -> None:
    example = healthy.copy()
    damage.spoil(example)

    findings = list(iter_findings(example.repository))

    numbers = {point.id: number for number, point in enumerate(example.points)}
    assert {(numbers[finding.point], finding.disk) for finding in findings} == damage.hurts
    for finding in findings:
        assert damage.words in finding.explanation
        assert finding.machine in {"web-01", example.points[0].machine.key}
        assert str(finding).startswith(f"{finding.machine}{' / ' if finding.disk else ''}{finding.disk} at ")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_points_that_are_not_hurt_still_restore(healthy: Example, damage: Damage, tmp_path: Path) -> None:
    example = healthy.copy()
    expected = [restore(healthy.repository, point, tmp_path) for point in example.points]
    damage.spoil(example)
    hurt = {point for point, _ in damage.hurts}

    numbers = {point.id: number for number, point in enumerate(example.points)}
    for listed in list_points(example.repository).points:
        number = numbers[listed.point.id]
        if number not in hurt:
            assert restore(example.repository, listed.point, tmp_path) == expected[number]


def test_no_damage_of_stored_bytes_is_ever_restored(healthy: Example, tmp_path: Path) -> None:
    """Bytes in the middle of a segment are not part of its structure: reading finds them."""
    example = healthy.copy()
    key = example.first_segment(0, 0)
    example.flip(key, 64 + 1000)

    assert list(iter_findings(example.repository)) == []
    with pytest.raises(DamagedBlockError, match="block 0"):
        restore(example.repository, example.points[0], tmp_path)


@pytest.mark.parametrize(
    "damage", [damage for damage in DAMAGES if "map" in damage.name], ids=lambda damage: damage.name
)
def test_an_image_with_a_damaged_map_is_not_opened(healthy: Example, damage: Damage, tmp_path: Path) -> None:
    example = healthy.copy()
    damage.spoil(example)

    for number in sorted({point for point, _ in damage.hurts}):
        with pytest.raises(DamageError, match=f"web-01 / Hard disk . at {example.points[number].id}"):
            restore(example.repository, example.points[number], tmp_path)
