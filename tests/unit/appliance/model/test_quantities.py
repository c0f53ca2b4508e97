from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.model.quantities import duration_text, size_text
from appliance.model.units import KIB, MIB

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@given(st.integers(0, 2**70))
def test_sizes_have_one_decimal_and_never_reach_the_next_unit(size: int) -> None:
    number, unit = size_text(size).split()
    assert unit in UNITS
    assert unit == "PiB" or float(number) <= KIB
    factor = KIB ** UNITS.index(unit)
    assert abs(float(number) * factor - size) <= 0.051 * factor


def test_sizes_and_durations_read_as_people_write_them() -> None:
    assert [size_text(size) for size in (0, 1023, KIB, 1536, 300 * MIB)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 KiB",
        "300.0 MiB",
    ]
    assert [duration_text(timedelta(seconds=n)) for n in (-1, 3.4, 125, 14820, 183_600)] == [
        "0 s",
        "3 s",
        "2 min 05 s",
        "4 h 07 min",
        "2 d 3 h",
    ]
