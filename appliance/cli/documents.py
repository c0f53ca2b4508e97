"""What commands print under `--json`: one document, built from the values of the model."""

from __future__ import annotations

import json
from collections.abc import Sequence

from appliance.errors import ApplianceError
from appliance.model.documents import to_json, to_readable_json
from appliance.model.runs import Run, RunLogLine

Document = dict[str, object]


def document_of(value: object) -> object:
    """A value of the model as plain JSON types."""
    document: object = json.loads(to_json(value))
    return document


def run_document(run: Run) -> Document:
    """A run with its request and result as documents instead of texts in a text."""
    document = document_of(run)
    if not isinstance(document, dict):
        raise TypeError("a run is a record")
    document["request"] = json.loads(run.request)
    document["result"] = None if run.result is None else json.loads(run.result)
    return document


def runs_document(runs: Sequence[Run]) -> Document:
    """Several runs."""
    return {"runs": [run_document(run) for run in runs]}


def log_document(lines: Sequence[RunLogLine]) -> list[object]:
    """A run's log."""
    return [document_of(line) for line in lines]


def error_document(error: ApplianceError) -> Document:
    """An error as scripts read it."""
    return {
        "error": {
            "code": error.code,
            "message": str(error),
            "remedy": error.remedy,
            "transient": error.transient,
            "exit_status": error.exit_status,
        }
    }


def text_of(document: Document) -> str:
    """The document as it is printed."""
    return to_readable_json(document).decode()
