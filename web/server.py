"""The console under gunicorn: one worker with threads, so that sign-ins and limits are counted once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from appliance.services import ConsoleServices, kept_fresh
from web.application import create_app
from web.session_memory import SessionMemory, shared_memory

THREADS = 8
GRACEFUL_SECONDS = 5
REQUEST_LINE = 4094

OpenServices = Callable[[], AbstractContextManager[ConsoleServices]]


def serve(open_services: OpenServices, address: str, port: int) -> None:
    """Serve the console until the process is told to end; `open_services` is called in the worker.

    Polling every two seconds and 8 threads serve dozens of open pages; streams would each hold a thread.
    """
    options = {
        "bind": f"[{address}]:{port}" if ":" in address else f"{address}:{port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "graceful_timeout": GRACEFUL_SECONDS,
        "limit_request_line": REQUEST_LINE,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "keepline-console",
        "control_socket_disable": True,
    }
    with shared_memory() as memory:
        _Server(open_services, memory, options).run()


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn's own way to be told a configuration and an application."""

    def __init__(
        self, open_services: OpenServices, memory: SessionMemory, options: dict[str, object]
    ) -> None:
        self._open_services = open_services
        self._memory = memory
        self._options = options
        self._opened = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn once, before it starts its worker."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)
        self.cfg.set("worker_exit", self._close)

    def load(self) -> Flask:
        """Called by gunicorn in the worker: threads and database connections do not outlive a fork."""
        services = self._opened.enter_context(self._open_services())
        self._opened.enter_context(kept_fresh(services.estate))
        return create_app(services, self._memory)

    def _close(self, arbiter: Any, worker: Any) -> None:  # gunicorn's own objects
        """Called by gunicorn in the worker as it ends."""
        del arbiter, worker
        self._opened.close()
