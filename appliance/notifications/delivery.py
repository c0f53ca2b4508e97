"""What a way out does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from appliance.model.notifications import Notice
from appliance.notifications.documents import Origin


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message is out; `refused` are recipients who did not get it, with the server's answer."""

    refused: tuple[str, ...] = ()


class Channel(Protocol):
    """A way out, with its secret."""

    def send(self, notice: Notice, origin: Origin) -> Delivery:
        """Hand one message over; it was taken by somebody when this returns.

        Raises:
            NotificationError: one of its kinds: nobody has taken it, or nobody knows.
        """
        ...
