"""A PLC to try a station with: it sets the trigger coil of the Modbus output and reads the answer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from inspection.plant.messages import StationInterface
from inspection.plant.triggers import TriggerUnavailable

COIL_TRIGGER = 0
INPUT_READY = 0
REGISTER_CODE, REGISTER_SEQUENCE = 0, 4
REGISTERS = 12
POLL_S = 0.0005


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict a PLC read: `code` 1 OK, 2 NG, 3 ERROR, 0 no answer in time."""

    sequence: int
    code: int
    latency_ms: float


class PlcSimulator:
    """Triggers the station's own Modbus server every `period_s`, as a PLC would, and keeps count."""

    name = "plc_simulator"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 5020,
        period_s: float = 0.05,
        timeout_s: float = 2.0,
    ) -> None:
        self.host, self.port = host, port
        self.period_s, self.timeout_s = period_s, timeout_s
        self.answers: list[Answer] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, station: StationInterface) -> None:
        """Connect and begin. Raises TriggerUnavailable."""
        from pymodbus.client import ModbusTcpClient

        client: Any = ModbusTcpClient(self.host, port=self.port, timeout=self.timeout_s)
        if not client.connect():
            raise TriggerUnavailable(
                f"trigger {self.name}: nothing answers at {self.host}:{self.port}; "
                "is [outputs.modbus_server] in the station file?"
            )
        self._thread = threading.Thread(target=self._work, args=(client,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop triggering; safe twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=self.timeout_s + 1)

    def check(self) -> None:
        """Never raise: a PLC goes on whatever its peer does."""

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed, or None."""
        from importlib.util import find_spec

        if find_spec("pymodbus"):
            return None
        return "needs pymodbus: pip install 'inspection[modbus]'"

    def _work(self, client: Any) -> None:
        start = time.monotonic()
        while not self._over.wait(max(0.0, start - time.monotonic())):
            start = max(start + self.period_s, time.monotonic())
            if not client.connected and not client.connect():
                continue
            try:
                self._part(client)
            except Exception:  # noqa: S112  a PLC goes on whatever its peer does
                continue
        client.close()

    def _part(self, client: Any) -> None:
        """Trigger one part and wait for its answer, never taking an old one for the new."""
        if not client.read_discrete_inputs(INPUT_READY, count=1).bits[0]:
            return
        before = _sequence(client.read_input_registers(0, count=REGISTERS).registers)
        began = time.perf_counter()
        client.write_coil(COIL_TRIGGER, True)
        while time.perf_counter() - began < self.timeout_s and not self._over.is_set():
            registers = client.read_input_registers(0, count=REGISTERS).registers
            if registers[REGISTER_CODE] and _sequence(registers) != before:
                took_ms = 1e3 * (time.perf_counter() - began)
                self.answers.append(Answer(_sequence(registers), registers[REGISTER_CODE], took_ms))
                return
            time.sleep(POLL_S)
        if not self._over.is_set():
            self.answers.append(Answer(before, 0, 1e3 * self.timeout_s))


def _sequence(registers: list[int]) -> int:
    return registers[REGISTER_SEQUENCE] << 16 | registers[REGISTER_SEQUENCE + 1]
