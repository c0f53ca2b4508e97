"""Somebody at the console without a browser: keeps cookies and sends forms as its pages would."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.console import PASSWORD


class Browser:
    """A client that keeps cookies and sends forms as a page of this console would."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)

    def text(self, path: str) -> str:
        """The page at `path`, which must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def sign_in(self, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.client.post("/sign-in", data={"password": password, **fields})

    def csrf(self) -> str:
        """The token of this session."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text("/settings"))
        assert found
        return found[1]

    def post(self, path: str, **fields: str | list[str]) -> TestResponse:
        return self.client.post(path, data={"csrf": self.csrf(), **fields})
