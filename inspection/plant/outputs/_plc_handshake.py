"""What a PLC reads of the station, and the handshake that keeps an old verdict from looking new."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any, Literal, get_args
from uuid import uuid4

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.plant.messages import (
    InspectionResult,
    StationInterface,
    StationState,
    TriggerRequest,
)

WordOrder = Literal["big", "little"]

N_WORDS = 13
N_BITS = 6
NO_SCORE = -1.0
DETAILS = {Verdict.PASS: 1, Verdict.FAIL: 2, Verdict.REVIEW: 3, Verdict.CANNOT_INSPECT: 4}
STATES: tuple[StationState, ...] = get_args(StationState)
REFUSED: dict[str, Any] = {"code": 3, "detail": 4, "ok": False, "reject": True, "valid": True}
CLEARED: dict[str, Any] = {"code": 0, "detail": 0, "ok": False, "reject": False, "valid": False}
RECIPE_ERROR, BUSY_ERROR, STREAM_NOTE = 4, 5, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcRegisters:
    """All a PLC can read, as one value that is exchanged at once and never changed in place."""

    ready: bool = False
    busy: bool = False
    valid: bool = False
    ok: bool = False
    reject: bool = False
    error: bool = False
    code: int = 0
    detail: int = 0
    score: float = NO_SCORE
    sequence: int = 0
    number: int = 0
    product: int = 0
    error_code: int = 0
    heartbeat: int = 0
    state: int = 0
    not_shown: int = 0

    def cleared(self) -> PlcRegisters:
        """The same without a result."""
        return replace(self, **CLEARED, score=NO_SCORE, number=0)

    def bits(self) -> list[bool]:
        """The flags in the order of the register map."""
        return [self.ready, self.busy, self.valid, self.ok, self.reject, self.error]

    def words(self, order: WordOrder = "big") -> list[int]:
        """The 16-bit registers of the map; `order` says which half of a 32-bit value is first."""
        return [
            self.code,
            self.detail,
            *_halves(struct.pack(">f", self.score), order),
            *_halves(struct.pack(">I", self.sequence), order),
            *_halves(struct.pack(">I", self.number), order),
            self.product,
            self.error_code,
            self.heartbeat,
            self.state,
            self.not_shown,
        ]


class Handshake:
    """One trigger, one result: a trigger clears the registers first, and only its own result fills it.

    A part triggered elsewhere is shown while no trigger of this link waits. A result that comes
    after its trigger was reset or triggered over is counted in `not_shown`, never shown.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.registers = PlcRegisters()
        self._lock = RLock()
        self._waiting: str | None = None
        self._given_up: deque[str] = deque(maxlen=1000)
        self._wrong_product, self._takes_triggers = False, False
        self._refused_for = 0

    def begin(self) -> str:
        """Clear the last result and wait for a new one; returns the new trigger's id."""
        with self._lock:
            self._give_up()
            self._waiting = str(uuid4())
            sequence = (self.registers.sequence + 1) % 2**32
            self.registers = replace(
                self.registers.cleared(), sequence=sequence, busy=True, ready=False, error=False
            )
            return self._waiting

    def forward(
        self, station: StationInterface, trigger_id: str, *, serial: str | None, lot: str | None
    ) -> None:
        """Hand a begun trigger to the station; one it does not take is answered as a reject."""
        request = TriggerRequest(trigger_id=trigger_id, source=self.source, serial=serial, lot=lot)
        taken = False
        try:
            taken = not self._wrong_product and station.trigger(request)
        except InspectionError:
            taken = False
        finally:
            if not taken:
                self._refuse(station, trigger_id)

    def select_product(self, station: StationInterface, number: int) -> None:
        """Judge as the product of this number, 0 for the present one; a wrong number refuses triggers."""
        try:
            self._wrong_product = number > len(station.products)
            if (
                number
                and not self._wrong_product
                and station.products[number - 1] != station.product
            ):
                station.change_product(station.products[number - 1])
        except InspectionError:
            self._wrong_product = True
        if self._refused_for == RECIPE_ERROR and not self._wrong_product:
            self._refused_for = 0
        self.update(station)

    def show(self, result: InspectionResult) -> bool:
        """Put a result into the registers; False for one that came too late to be shown."""
        with self._lock:
            elsewhere = self._waiting is None and result.trigger_id not in self._given_up
            if result.trigger_id != self._waiting and not elsewhere:
                self.registers = replace(
                    self.registers, not_shown=(self.registers.not_shown + 1) % 2**16
                )
                return False
            self._waiting, self._refused_for = None, 0
            self.registers = replace(
                self.registers,
                valid=True,
                busy=False,
                ready=self._takes_triggers,
                ok=not result.reject,
                reject=result.reject,
                code=result.code,
                detail=DETAILS[result.verdict],
                score=_single(result.score),
                number=(result.number or 0) % 2**32,
                sequence=(self.registers.sequence + elsewhere) % 2**32,
            )
            return True

    def clear(self) -> None:
        """Show no result; what was waited for is given up."""
        with self._lock:
            self._give_up()
            self.registers = replace(
                self.registers.cleared(), busy=False, ready=self._takes_triggers
            )

    def update(self, station: StationInterface, *, beat: bool = False) -> None:
        """Show the station's state, product and error; `beat` counts the heartbeat up."""
        state, error_code = station.state, self._error_code(station)
        product = (
            station.products.index(station.product) + 1
            if station.product in station.products
            else 0
        )
        with self._lock:
            waiting = self._waiting is not None
            self._takes_triggers = state in ("Ready", "SingleExecution")
            self.registers = replace(
                self.registers,
                ready=self._takes_triggers and not waiting,
                busy=waiting or state == "SingleExecution",
                error=error_code != 0,
                error_code=error_code,
                product=product,
                state=STATES.index(state) + 1,
                heartbeat=(self.registers.heartbeat + beat) % 2**16,
            )

    def _refuse(self, station: StationInterface, trigger_id: str) -> None:
        with self._lock:
            if self._waiting != trigger_id:
                return
            self._give_up()
            why = self._error_code(station)
            self._refused_for = BUSY_ERROR if why in (0, STREAM_NOTE) else why
            self.registers = replace(
                self.registers.cleared(),
                **REFUSED,
                busy=False,
                ready=self._takes_triggers,
                error=True,
                error_code=self._refused_for,
            )

    def _error_code(self, station: StationInterface) -> int:
        return RECIPE_ERROR if self._wrong_product else station.error_code or self._refused_for

    def _give_up(self) -> None:
        if self._waiting is not None:
            self._given_up.append(self._waiting)
        self._waiting, self._refused_for = None, 0


def text_of(data: bytes) -> str | None:
    """Read a text a PLC wrote: it ends at the first zero, blanks around it do not count."""
    text = data.split(b"\0", 1)[0].decode("ascii", "replace").strip()
    return text or None


def bytes_of(words: list[int]) -> bytes:
    """Registers as bytes, the high byte of each first."""
    return struct.pack(f">{len(words)}H", *words)


def _halves(data: bytes, order: WordOrder) -> tuple[int, int]:
    high, low = struct.unpack(">HH", data)
    return (high, low) if order == "big" else (low, high)


def _single(score: float | None) -> float:
    """A score within the range of a 32-bit float; NO_SCORE stands for none."""
    largest = 3.4028234663852886e38
    return NO_SCORE if score is None else max(-largest, min(largest, score))
