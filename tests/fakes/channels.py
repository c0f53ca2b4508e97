"""Ways out for the notifier that lead into a list."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.errors import ApplianceError
from appliance.model.notifications import Notice, Notifier
from appliance.notifications import Delivery, Origin, open_channel


@dataclass(slots=True)
class FakeChannels:
    """What was sent by whichever notifier; `failure` is what the next attempts end with."""

    sent: list[Notice] = field(default_factory=list)
    opened: list[tuple[Notifier, str]] = field(default_factory=list)
    failure: ApplianceError | None = None
    refused: tuple[str, ...] = ()

    def open(self, notifier: Notifier, secret: str) -> FakeChannel:
        open_channel(notifier, secret)  # what it refuses is refused here too; it connects nothing
        self.opened.append((notifier, secret))
        return FakeChannel(self)

    @property
    def titles(self) -> list[str]:
        return [notice.title for notice in self.sent]


@dataclass(slots=True)
class FakeChannel:
    """Implements `Channel`."""

    channels: FakeChannels

    def send(self, notice: Notice, origin: Origin) -> Delivery:
        if self.channels.failure is not None:
            raise self.channels.failure
        self.channels.sent.append(notice)
        return Delivery(self.channels.refused)
