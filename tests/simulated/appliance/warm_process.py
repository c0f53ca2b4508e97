"""A process that has everything imported and forks one child for each command: `keepline` without its start.

The child is a process like any other: it runs the command line of the product from its first argument to
its exit status, and it can be killed. Requests are lines of JSON on standard input, answers lines of JSON
on standard output: {"run": …} is answered with {"process": n}, {"wait": n} with {"status": n}.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn  # JSON of the requests

from appliance.assembly import Appliance, open_appliance
from appliance.cli.invocation import Invocation
from appliance.cli.main import run
from appliance.cli.output import standard_streams
from appliance.settings import Settings
from tests.simulated.appliance.dying_store import open_with_dying_store


def main() -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin.buffer:
        request: dict[str, Any] = json.loads(line)
        if "run" in request:
            process = os.fork()
            if process == 0:
                carry_out(request["run"])
            answer = {"process": process}
        else:
            _, status = os.waitpid(request["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def carry_out(request: dict[str, Any]) -> NoReturn:
    """Be the command line in this child."""
    os.setsid()
    for number, (path, flags) in enumerate(
        [
            (request["stdin"], os.O_RDONLY),
            (request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ]
    ):
        descriptor = os.open(path, flags, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, "r", closefd=False)  # what was read ahead belongs to the parent
    os.environ.update(request["environment"])
    opener: Callable[[Settings], AbstractContextManager[Appliance]] = open_appliance
    if request["die_at"] is not None:
        opener = open_with_dying_store(request["die_at"], request["die_before"], Path(request["calls"]))
    status = 1
    try:
        status = run(request["arguments"], Invocation(standard_streams(), opener))
        sys.stdout.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
