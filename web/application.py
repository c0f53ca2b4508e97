"""The console as one WSGI application over the services of one appliance."""

from __future__ import annotations

from flask import Flask
from jinja2 import StrictUndefined

from appliance.services import ConsoleServices
from web import failures, gate, headers, texts
from web.request_context import EXTENSION, ConsoleParts
from web.session_memory import NoMemory, SessionMemory
from web.session_table import SessionTable
from web.views import dashboard, machines, notifier, points, policies, restores, runs, sessions, settings

LARGEST_FORM = 256 * 1024


def create_app(services: ConsoleServices, memory: SessionMemory | None = None) -> Flask:
    """The console; it starts no thread and opens nothing: the estate is kept fresh by whoever serves it.

    Without `memory`, sessions end with the process.
    """
    app = Flask("web", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_FORM
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = ConsoleParts(services, SessionTable(memory or NoMemory()))
    texts.install(app)
    headers.install(app)
    gate.install(app)
    failures.install(app)
    for family in (sessions, dashboard, machines, policies, points, runs, restores, settings, notifier):
        app.register_blueprint(family.blueprint)
    return app
