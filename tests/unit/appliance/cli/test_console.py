from __future__ import annotations

from pathlib import Path

import pytest

from appliance.security import ConsolePasswordFile
from tests.fakes.appliance import Terminal

PASSWORD = "four words make one"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def test_the_console_gets_its_password_from_the_shell(
    terminal: Terminal, password_file: Path, tmp_path: Path
) -> None:
    answer = terminal.call("console", "password", "--password-file", str(password_file))

    assert (answer.status, answer.output) == (0, "the console's password is set\n")
    assert ConsolePasswordFile(terminal.folder).matches(PASSWORD)
    assert '"action":"set password"' in (terminal.folder / "audit.jsonl").read_text()


def test_the_json_form_says_the_same(terminal: Terminal, password_file: Path) -> None:
    answer = terminal.call("console", "password", "--password-file", str(password_file), "--json")

    assert answer.document == {"password": "set"}


def test_a_short_password_is_refused_and_changes_nothing(terminal: Terminal, password_file: Path) -> None:
    password_file.write_text("elevenchars\n")
    answer = terminal.call("console", "password", "--password-file", str(password_file))

    assert answer.status == 2
    assert "KL-1204" in answer.errors
    assert not ConsolePasswordFile(terminal.folder).stamp()


@pytest.mark.parametrize("port", ["0", "65536", "many"])
def test_a_port_that_is_none_is_refused(terminal: Terminal, port: str) -> None:
    assert terminal.call("console", "--port", port).status == 2
