"""Somebody in front of a Chromium window: presses keys, looks, and notes whatever a browser complains of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.fakes.console import PASSWORD

MOST_TABS = 80

OpenConsole = Callable[..., "Person"]


class Person:
    """One window; counts key presses: `activations` is Enter, Space and clicks, `tabs` is Tab."""

    def __init__(self, chromium: Browser, address: str, options: dict[str, object]) -> None:
        # Any: Playwright's options are keyword arguments of many types.
        wanted: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, **options}
        self.address = address
        self.complaints: list[str] = []
        self.activations = 0
        self.tabs = 0
        self._context = chromium.new_context(**wanted)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._note_request)

    def leave(self) -> None:
        """Close the window."""
        self._context.close()

    def open(self, path: str) -> Page:
        """Go to a page of the console."""
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, path: str = "/") -> None:
        """Sign in by the form, on the way to `path`."""
        self.open(path)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_url(self.address + path)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is there."""
        for _ in range(MOST_TABS):
            if self.page.evaluate("selector => document.activeElement?.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
            self.tabs += 1
        raise AssertionError(f"Tab does not reach {selector}")

    def wait_for_focus(self, selector: str) -> None:
        """Wait until the page itself has put the focus there."""
        self.page.wait_for_function("selector => document.activeElement?.matches(selector)", arg=selector)

    def press_enter(self, then: str) -> None:
        """Press Enter where the focus is, and wait for a page whose path begins so."""
        self.activations += 1
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.address + (then if then == "/" else f"{then}**"))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"left home: {request.url}")
