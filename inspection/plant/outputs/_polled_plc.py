"""A PLC the station polls: read its trigger, write its registers, reconnect when it went away."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Event, RLock
from time import monotonic
from typing import Any, TypeVar

from inspection.outside import Door, in_words
from inspection.plant.extras import require
from inspection.plant.messages import InspectionResult, StationInterface
from inspection.plant.outputs._plc_handshake import Handshake, PlcRegisters
from inspection.plant.outputs.base import Output, OutputError, OutputUnavailable
from inspection.plant.worker import Worker

T = TypeVar("T")


class PolledPlc(Output):
    """The handshake with a PLC that serves its memory; a child reads and writes that memory.

    A child's steps raise OutputError when the PLC does not answer. They are never called by two
    threads at once. The result is cleared in the PLC before its trigger is taken, and is written
    only when the trigger is back at 0.
    """

    required = True
    poll_s: float
    heartbeat_s: float
    reconnect_s: float
    _worker: Worker | None = None

    @abstractmethod
    def connect(self) -> None:
        """Connect to the PLC. Raises OutputUnavailable."""

    @abstractmethod
    def disconnect(self) -> None:
        """Let the connection go; safe twice."""

    @abstractmethod
    def read_flags(self) -> tuple[bool, bool]:
        """Read whether the trigger and the reset are set."""

    @abstractmethod
    def read_request(self) -> tuple[int, str | None, str | None]:
        """Read the number of the product to judge as, the serial and the lot."""

    @abstractmethod
    def clear_trigger(self) -> None:
        """Set the trigger back to 0."""

    @abstractmethod
    def clear_reset(self) -> None:
        """Set the reset back to 0."""

    @abstractmethod
    def write_bits(self, registers: PlcRegisters) -> None:
        """Write the flags."""

    @abstractmethod
    def write_words(self, registers: PlcRegisters) -> None:
        """Write the 16-bit registers."""

    def open(self, station: StationInterface) -> None:
        """Connect and watch for triggers. Raises OutputUnavailable when the PLC is not there."""
        require(self)
        self._station, self._handshake = station, Handshake(self.name)
        self._io, self._connected = RLock(), False
        self.door = Door(f"output {self.name}")
        self._begun: str | None = None
        self._taken, self._changed = False, False
        self._shown = True  # what an earlier run left in the PLC may be valid
        self._product_number: int | None = None
        self._beat_at = 0.0
        self._handshake.update(station)
        self._first_contact()
        self._worker = Worker(f"output {self.name}", self._watch)
        self._worker.start()

    def check(self) -> None:
        """Raise OutputError if the thread that watches for triggers ended by itself."""
        if self._worker is not None:
            self._worker.check()

    def send(self, result: InspectionResult) -> None:
        """Write the result to the PLC, connecting anew once. Raises OutputError."""
        if self._worker is None:
            raise OutputError(f"output {self.name} is closed; open it before sending")
        self._worker.check()
        if not self._handshake.show(result):
            return
        try:
            self._write_registers()
        except OutputError:
            self._write_again()

    def state_changed(self, station: StationInterface) -> None:
        """Write the new state at the next poll."""
        if self._worker is not None:
            self._handshake.update(station)
            self._changed = True

    def close(self) -> None:
        """Stop watching and let the connection go."""
        worker, self._worker = self._worker, None
        if worker is not None:
            try:
                worker.stop()
            finally:
                self._hang_up()

    def _first_contact(self) -> None:
        """Clear what an earlier run left in the PLC, and see that all of the map is there."""
        try:
            self._write_registers()
            self._read_flags()
            self._read_request()
        except OutputError as error:
            self._hang_up()
            raise OutputUnavailable(str(error)) from error

    def _watch(self, stop: Event) -> None:
        while not stop.wait(self.poll_s):
            try:
                self._poll()
            except OutputError as error:
                self.door.refuse(str(error))
                self._hang_up()
                stop.wait(self.reconnect_s)
            except Exception as error:  # the trigger it came with was answered as a reject
                self.door.refuse(in_words(error))

    def _poll(self) -> None:
        trigger, reset = self._read_flags()
        if reset:
            self._reset()
        if trigger:
            self._triggered()
        if self._changed or monotonic() - self._beat_at >= self.heartbeat_s:
            self._beat()

    def _triggered(self) -> None:
        if not self._taken:
            number, serial, lot = self._read_request()
            self._begun = self._begun or self._handshake.begin()
            self._write_registers()
            self._select_product(number)
            self._taken = True  # also when the next step fails: a trigger is never taken twice
            self._handshake.forward(self._station, self._begun, serial=serial, lot=lot)
        with self._io:
            self._ensure()
            self._step(self.clear_trigger)
            self._begun, self._taken = None, False
        self._write_registers()

    def _reset(self) -> None:
        self._handshake.clear()
        self._write_registers()
        with self._io:
            self._step(self.clear_reset)

    def _beat(self) -> None:
        self._changed, self._beat_at = False, monotonic()
        self._select_product(self._read_request()[0])
        self._handshake.update(self._station, beat=True)
        self._write_registers()

    def _select_product(self, number: int) -> None:
        if number != self._product_number:
            self._product_number = number
            self._handshake.select_product(self._station, number)

    def _read_flags(self) -> tuple[bool, bool]:
        with self._io:
            self._ensure()
            return self._step(self.read_flags)

    def _read_request(self) -> tuple[int, str | None, str | None]:
        with self._io:
            self._ensure()
            return self._step(self.read_request)

    def _write_registers(self) -> None:
        with self._io:
            self._ensure()
            registers = self._handshake.registers
            if self._begun is not None:
                registers = registers.cleared()
            # valid goes before the registers change; a flag comes after those it speaks of
            if going := self._shown and not registers.valid:
                self._step(self.write_bits, replace(registers, error=False))
            self._step(self.write_words, registers)
            if registers.error or not going:
                self._step(self.write_bits, registers)
            self._shown = registers.valid

    def _write_again(self) -> None:
        self._hang_up()
        try:
            self._write_registers()
        except OutputError:
            self._hang_up()
            self._handshake.clear()
            raise

    def _step(self, step: Callable[..., T], *given: Any) -> T:
        """Do a child's step: what it makes of a PLC's answer is an OutputError, whatever goes wrong."""
        try:
            return step(*given)
        except OutputError:
            raise
        except Exception as error:  # bytes from outside never end a thread
            raise OutputError(
                f"output {self.name}: what the PLC answered makes no sense ({in_words(error)})"
            ) from error

    def _ensure(self) -> None:
        if not self._connected:
            self._step(self.connect)
            self._connected = True

    def _hang_up(self) -> None:
        with self._io:
            self._connected, self._shown = False, True
            with suppress(OutputError):
                self._step(self.disconnect)
