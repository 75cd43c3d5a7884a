"""What an output is: where a verdict goes when its part is recorded.

Errors
------
OutputError               a result could not be delivered; the message is one line for a person
├── OutputUnavailable     its library, address or device is not there
└── OutputRefused         the receiver is there, and will not have this one result
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from inspection.errors import InspectionError
from inspection.plant.messages import InspectionResult, StationInterface


class OutputError(InspectionError):
    """A result could not be delivered."""


class OutputUnavailable(OutputError):
    """The library, address or device behind this output is not there."""


class OutputRefused(OutputError):
    """The receiver answered that it will not have this one result."""


class Output(ABC):
    """A place verdicts go: `open`, then `send` one result a part, then `close`.

    A subclass stores its settings in `__init__` (keyword only: they are the keys of its table in
    the station file) and starts work in `open`. `send` is plain blocking code and returns once the
    result is taken; it raises OutputError otherwise. Closing twice is safe.

    `queued`: results that cannot be delivered wait in the record and are sent later, in order, with
    the same `delivery_id`; one that raises OutputRefused again and again is set aside. Without it a
    result is for now only: a PLC waits for it, and a station whose `required` output fails stops.

    Links that also bring triggers (a PLC, a broker) call `station.trigger` from a thread of their own.
    """

    name: str
    queued: bool = False
    required: bool = False

    @abstractmethod
    def open(self, station: StationInterface) -> None:
        """Connect and get ready. Raises OutputUnavailable."""

    @abstractmethod
    def send(self, result: InspectionResult) -> None:
        """Deliver one result; returns once the receiver has it. Raises OutputError."""

    @abstractmethod
    def close(self) -> None:
        """Let the connection go."""

    def state_changed(self, station: StationInterface) -> None:  # noqa: B027  most outputs need not know
        """Show the plant a new state, product or error; called by the station, may do nothing."""

    def event_raised(self, event: Mapping[str, Any]) -> None:  # noqa: B027  most have no place for it
        """Tell what the stream of parts shows, as plain data; it is in the record already."""

    def check(self) -> None:  # noqa: B027  an output without threads has nothing to check
        """Raise OutputError when a thread of its own ended by itself."""

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed before this output can be used, in one line, or None."""
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self
