"""Keepline's web console and REST API."""
