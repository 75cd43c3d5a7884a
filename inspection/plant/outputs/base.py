"""What an output is: where a verdict goes when its part is recorded.

Errors
------
OutputError               a result could not be given out; the message is one line for a person
├── OutputUnavailable     its library, address or device is not there
└── OutputRefused         the receiver is there, and will not have this one result
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Protocol, Self
from uuid import uuid4

from inspection.errors import InspectionError
from inspection.judgement import Region, Verdict

State = Literal["Preoperational", "Halted", "Error", "Initialized", "Ready", "SingleExecution"]
"""Words of OPC 40100-1; triggers are taken in Ready and SingleExecution."""

CODES = {Verdict.PASS: 1, Verdict.FAIL: 2, Verdict.REVIEW: 2, Verdict.CANNOT_INSPECT: 3}
"""What plants expect in a verdict register: 1 OK, 2 NG, 3 ERROR. 0 is no result yet."""


class OutputError(InspectionError):
    """A result could not be given out."""


class OutputUnavailable(OutputError):
    """The library, address or device behind this output is not there."""


class OutputRefused(OutputError):
    """The receiver answered that it will not have this one result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One trigger: a part is there, judge it. What is known of the part comes with it."""

    trigger_id: str = field(default_factory=lambda: str(uuid4()))
    source: str
    serial: str | None = None
    lot: str | None = None
    product: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One part's verdict on its way out; `delivery_id` is the part's id, the same at each attempt.

    `number` is the part's place in the record, None only for a reject that could not be recorded
    yet. `image` is the picture's file in the record's archive. `simulated` tells drawn parts.
    """

    delivery_id: str
    trigger_id: str
    station: str
    verdict: Verdict
    reason: str
    judged_at: datetime
    number: int | None = None
    score: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    regions: tuple[Region, ...] = ()
    serial: str | None = None
    lot: str | None = None
    product: str | None = None
    recipe_id: str = ""
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    image: str | None = None

    @property
    def reject(self) -> bool:
        """To the line, all but PASS is a reject."""
        return self.verdict is not Verdict.PASS

    @property
    def code(self) -> int:
        """Give the verdict as plants expect it: 1 OK, 2 NG, 3 ERROR."""
        return CODES[self.verdict]

    def as_json(self) -> dict[str, Any]:
        """Give plain data for messages and files."""
        from dataclasses import asdict

        return asdict(self) | {
            "verdict": self.verdict.value,
            "reject": self.reject,
            "judged_at": self.judged_at.isoformat(),
            "latency_ms": dict(self.latency_ms),
        }


class Line(Protocol):
    """What an output or trigger may ask of the station; every method may be called from any thread."""

    @property
    def station(self) -> str:
        """Name of the station."""

    @property
    def state(self) -> State:
        """What the station is doing, in the words of OPC 40100-1."""

    @property
    def products(self) -> tuple[str, ...]:
        """Products there is a recipe for, in the order of the station file: number 1 is the first."""

    @property
    def product(self) -> str:
        """The product parts are judged as now."""

    @property
    def error_code(self) -> int:
        """0: none; 1: camera; 2: record; 3: output; 4: recipe; 5: station busy."""

    def trigger(self, request: Request) -> bool:
        """Take a trigger; it is durable when this returns. False: refused, the station is not ready.

        Every trigger taken gets exactly one result, through `Output.send`.
        """

    def change_product(self, product: str) -> None:
        """Judge the parts triggered from now on as this product. Raises InspectionError."""


class Output(ABC):
    """A place verdicts go: `open`, then `send` one result a part, then `close`.

    A subclass stores its settings in `__init__` (keyword only: they are the keys of its table in
    the station file) and starts work in `open`. `send` is plain blocking code and returns once the
    result is taken; it raises OutputError otherwise. Closing twice is safe.

    `kept`: results that cannot be delivered wait in the record and are sent later, in order, with
    the same `delivery_id`; one that raises OutputRefused again and again is set aside. Without it a
    result is for now only: a PLC waits for it, and a station whose `required` output fails stops.

    Links that also bring triggers (a PLC, a broker) call `line.trigger` from a thread of their own.
    """

    name: str
    kept: bool = False
    required: bool = False

    @abstractmethod
    def open(self, line: Line) -> None:
        """Connect and get ready. Raises OutputUnavailable."""

    @abstractmethod
    def send(self, result: Result) -> None:
        """Give out one result. Raises OutputError."""

    @abstractmethod
    def close(self) -> None:
        """Let the connection go."""

    def state_changed(self, line: Line) -> None:  # noqa: B027  most outputs need not know
        """Tell the other side of a new state, product or error; called by the station, may do nothing."""

    def check(self) -> None:  # noqa: B027  an output without threads has nothing to check
        """Raise OutputError when a thread of its own ended by itself."""

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed before this output can be used, or None."""
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
