from __future__ import annotations

import logging

from appliance.cli.log_format import FieldFormatter


def line_of(**extra: object) -> str:
    record = logging.LogRecord("appliance.engine", logging.WARNING, "", 0, "run ended", (), None)
    record.__dict__.update(extra)
    return FieldFormatter().format(record).split(" ", 2)[2]


def test_a_line_ends_with_the_fields_that_were_given() -> None:
    assert line_of(run="20261122T010203Z-ab", code="KL-2001") == (
        "WARNING appliance.engine run ended run=20261122T010203Z-ab code=KL-2001"
    )


def test_a_field_of_several_words_or_lines_stays_one_field_on_one_line() -> None:
    assert line_of(reason="no\nway there", machine="") == (
        "WARNING appliance.engine run ended reason='no\\nway there' machine=''"
    )


def test_a_line_without_fields_ends_with_its_message() -> None:
    assert line_of() == "WARNING appliance.engine run ended"
