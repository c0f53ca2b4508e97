"""Addresses with a query, so that every view can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import url_for


def address_of(endpoint: str, query: Mapping[str, str], **parts: Any) -> str:  # Any: what url_for takes
    """The address of `endpoint` with this query; empty values are left out. `parts` fill its path."""
    given = {name: value for name, value in query.items() if value}
    path = url_for(endpoint, **parts)
    return f"{path}?{urlencode(given)}" if given else path
