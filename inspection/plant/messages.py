"""What a station and its plant links send each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from uuid import uuid4

from inspection.judgement import Region, Verdict
from inspection.reasons import Reason

StationState = Literal[
    "Preoperational", "Halted", "Error", "Initialized", "Ready", "SingleExecution"
]
"""Words of OPC 40100-1; triggers are taken in Ready and SingleExecution."""


CODES = {Verdict.PASS: 1, Verdict.FAIL: 2, Verdict.REVIEW: 2, Verdict.CANNOT_INSPECT: 3}
"""What plants expect in a verdict register: 1 OK, 2 NG, 3 ERROR. 0 is no result yet."""

ReviewIs = Literal["reject", "pass"]
"""What a REVIEW part is to the line."""


def rejects(verdict: Verdict, review: ReviewIs) -> bool:
    """Whether the line is told to reject: all but PASS, and REVIEW where the station says pass."""
    return verdict is not Verdict.PASS and not (verdict is Verdict.REVIEW and review == "pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRequest:
    """One trigger: a part is there, judge it. What is known of the part comes with it.

    `process` holds what the line measured or knows of it (torque, cavity, tool): numbers and texts by name.
    """

    trigger_id: str = field(default_factory=lambda: str(uuid4()))
    source: str
    serial: str | None = None
    lot: str | None = None
    product: str | None = None
    process: Mapping[str, float | str] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionResult:
    """One part's verdict on its way out; `delivery_id` is the part's id, the same at each attempt.

    `number` is the part's place in the record, None only for a reject that could not be recorded
    yet. `image` is the picture's file in the record's archive. `review` says what the line is told
    of a REVIEW part; the verdict stays REVIEW.
    """

    delivery_id: str
    trigger_id: str
    station: str
    verdict: Verdict
    cause: Reason
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
    review: ReviewIs = "reject"

    @property
    def reason(self) -> str:
        """Why, as one English sentence for a person."""
        return self.cause.sentence

    @property
    def reject(self) -> bool:
        """Whether the line is told to reject the part."""
        return rejects(self.verdict, self.review)

    @property
    def code(self) -> int:
        """What the line is told, as plants expect it: 1 OK, 2 NG, 3 ERROR."""
        return CODES[self.verdict if self.reject else Verdict.PASS]

    def as_json(self) -> dict[str, Any]:
        """Plain data for messages and files."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        del values["cause"], values["review"]  # `reason` and `reject` say what comes of them
        return values | {
            "verdict": self.verdict.value,
            "reject": self.reject,
            "reason": self.reason,
            "reason_code": self.cause.code,
            "reason_values": self.cause.as_values(),
            "regions": [region.as_json() for region in self.regions],
            "judged_at": self.judged_at.isoformat(),
            "latency_ms": dict(self.latency_ms),
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """A trigger that was taken already; `number` is its part's place in the record, None on its way."""

    trigger_id: str
    number: int | None

    @property
    def sentence(self) -> str:
        """For whoever sent it again."""
        if self.number is None:
            return f"trigger_id {self.trigger_id!r} is already taken; its part is on its way"
        return f"trigger_id {self.trigger_id!r} is already taken; its part is number {self.number}"


class StationInterface(Protocol):
    """What an output or trigger may ask of the station; every method may be called from any thread."""

    @property
    def station(self) -> str:
        """Name of the station."""

    @property
    def state(self) -> StationState:
        """What the station is doing, in the words of OPC 40100-1."""

    @property
    def products(self) -> tuple[str, ...]:
        """Products there is a recipe for, in the order of the station file: number 1 is the first."""

    @property
    def product(self) -> str:
        """The product parts are judged as now."""

    @property
    def error_code(self) -> int:
        """0: none; 1: camera; 2: record; 3: output; 4: recipe; 5: station busy; 6: stream of parts."""

    def trigger(self, request: TriggerRequest) -> bool:
        """Take a trigger; it is durable when this returns. False: refused, the station is not ready.

        Every trigger taken gets exactly one result, through `Output.send`.
        """

    def taken_before(self, trigger_id: str) -> Taken | None:
        """Whether a trigger of this id was taken already, None if it was not. Raises InspectionError."""

    def change_product(self, product: str) -> None:
        """Judge the parts triggered from now on as this product. Raises InspectionError."""
