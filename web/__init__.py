"""Keepline's web console and REST API."""

from web.application import create_app

__all__ = ["create_app"]
