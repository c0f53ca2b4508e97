"""A mover's failure, given back the class it had over there."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TaskFailure


def error_of(failure: TaskFailure) -> ApplianceError:
    """The exception that says what `failure` says: of the class with its code where this process knows it.

    Only the message is restored; attributes that a class's own constructor sets are not.
    """
    kind = _class_of_code(failure.code) or _foreign_class(failure)
    return kind.__new__(kind, failure.message)


def _class_of_code(code: str) -> type[ApplianceError] | None:
    return next((kind for kind in _tree(ApplianceError) if kind.code == code), None)


def _tree(root: type[ApplianceError]) -> Iterator[type[ApplianceError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)


def _foreign_class(failure: TaskFailure) -> type[ApplianceError]:
    facts = {
        "code": failure.code,
        "remedy": failure.remedy,
        "transient": failure.transient,
        "exit_status": failure.exit_status,
        "__doc__": "What a mover failed with; its class is not loaded in this process.",
    }
    return type("MoverTaskError", (ApplianceError,), facts)
