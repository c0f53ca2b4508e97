"""Where a command's words go: results to standard output, everything on the way to standard error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from appliance.cli.documents import Document, error_document, text_of
from appliance.errors import ApplianceError


class Output:
    """Prints one result, as text for people or as one JSON document.

    `notice` and `warn` go to standard error, so that standard output holds the result alone.
    """

    def __init__(self, standard_output: Console, standard_error: Console) -> None:
        self._standard_output = standard_output
        self.standard_error = standard_error

    def document(self, document: Document) -> None:
        """The one document of a command under `--json`."""
        self._standard_output.out(text_of(document), end="", highlight=False)

    def line(self, text: str) -> None:
        """One line of a result."""
        self._standard_output.out(text, highlight=False)

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Rows under headings. No cell is ever cut: identifiers are there to be copied."""
        for line in table_lines(headings, rows):
            self.line(line)

    def notice(self, text: str) -> None:
        """Something on the way."""
        self._say(Text(text))

    def warn(self, text: str) -> None:
        """Something the user must not miss."""
        self._say(Text.assemble(("warning:", "yellow"), f" {text}"))

    def error(self, error: ApplianceError, *, json: bool) -> None:
        """The error a command ends with; under `json` it is the command's one document."""
        if json:
            self.document(error_document(error))
        else:
            self.failure(str(error), error.code, error.remedy)

    def failure(self, message: str, code: str, remedy: str) -> None:
        """What went wrong, and below it what to do."""
        self._say(Text.assemble(("error:", "bold red"), f" {message} ({code})\n{remedy}"))

    def _say(self, text: Text) -> None:
        # A Text, not markup: rich would read `:AB:` in a thumbprint as the name of an emoji.
        self.standard_error.print(text, highlight=False, soft_wrap=True)


def standard_streams() -> Output:
    """Output to the process's own streams; colour and bars only where they are terminals."""
    return Output(Console(), Console(stderr=True))


def table_lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns side by side, each as wide as its widest cell, two spaces apart."""
    lines = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(cell_len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return ["  ".join(map(_padded, line, widths)).rstrip() for line in lines]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))
