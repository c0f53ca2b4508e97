"""Where a command's words go: results to standard output, everything on the way to standard error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

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
        self._standard_output.print(escape(text), highlight=False, soft_wrap=True)

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Rows under headings; lines are cut nowhere when the output is not a terminal."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in headings:
            table.add_column(heading, no_wrap=True)
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        if self._standard_output.is_terminal:
            self._standard_output.print(table)
        else:
            self._standard_output.print(table, width=_width_of(table, self._standard_output))

    def notice(self, text: str) -> None:
        """Something on the way."""
        self.standard_error.print(escape(text), highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something the user must not miss."""
        self.standard_error.print(f"[yellow]warning:[/] {escape(text)}", highlight=False, soft_wrap=True)

    def error(self, error: ApplianceError, *, json: bool) -> None:
        """The error a command ends with; under `json` it is the command's one document."""
        if json:
            self.document(error_document(error))
        else:
            self.failure(str(error), error.code, error.remedy)

    def failure(self, message: str, code: str, remedy: str) -> None:
        """What went wrong, and below it what to do."""
        text = f"[bold red]error:[/] {escape(message)} ({code})\n{escape(remedy)}"
        self.standard_error.print(text, highlight=False, soft_wrap=True)


def standard_streams() -> Output:
    """Output to the process's own streams; colour and bars only where they are terminals."""
    return Output(Console(), Console(stderr=True))


def _width_of(table: Table, console: Console) -> int:
    wide = console.options.update(width=10_000)
    return max(console.measure(table, options=wide).maximum, 1)
