"""Modbus TCP: the station is the server, the PLC reads its verdicts and sets its trigger."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event
from time import monotonic
from typing import Any, Literal

from inspection.outside import Door
from inspection.plant.extras import missing_extra, require
from inspection.plant.messages import InspectionResult, StationInterface
from inspection.plant.outputs._plc_handshake import (
    N_WORDS,
    Handshake,
    PlcRegisters,
    bytes_of,
    text_of,
)
from inspection.plant.outputs.base import Output, OutputError, OutputUnavailable
from inspection.plant.worker import LoopThread, Worker
from inspection.ports.connections import Connections
from inspection.ports.loop import BoundedLoop

IDLE_S = 600.0
"""A PLC that has said nothing for so long is gone; one that comes back connects anew."""
N_HOLDING = 33
TRIGGER, RESET = 0, 1
READ_COILS, READ_DISCRETE, READ_INPUT = 1, 2, 4
WRITE_COILS, WRITE_REGISTERS = (5, 15), (6, 16, 22, 23)


class ModbusServer(Output):
    """Serves the register map of the manual to a PLC over Modbus TCP.

    All a PLC reads is made from one value at the moment it asks, so that flags and registers of one
    reading belong together. While the trigger coil is set no result is shown.
    """

    name = "modbus_server"
    required = True

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 502,
        heartbeat_s: float = 1.0,
        word_order: Literal["big", "little"] = "big",
        plc_timeout_s: float = 10.0,
    ) -> None:
        self.host, self.port, self.heartbeat_s = host, port, heartbeat_s
        self.word_order, self.plc_timeout_s = word_order, plc_timeout_s
        self.door = Door(f"output {self.name}")
        self._loop: LoopThread | None = None
        self._workers: list[Worker] = []

    @classmethod
    def missing(cls) -> str | None:
        """How to install pymodbus, or None."""
        return missing_extra("modbus", "pymodbus")

    def open(self, station: StationInterface) -> None:
        """Listen for the PLC. Raises OutputUnavailable when the port cannot be had."""
        require(self)
        self._station, self._handshake = station, Handshake(self.name)
        self._coils = [False, False]
        self._holding = [0] * N_HOLDING
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._heard_at = monotonic()
        self._handshake.update(station)
        self._listen()
        self._workers = [Worker(f"{self.name} jobs", self._work), Worker(self.name, self._beat)]
        for worker in self._workers:
            worker.start()

    def check(self) -> None:
        """Raise OutputError if a thread of the server ended by itself."""
        for worker in self._workers:
            worker.check()
        if (loop := self._loop) is not None:
            loop.check()

    def send(self, result: InspectionResult) -> None:
        """Show the result to the PLC. Raises OutputError when no PLC has asked for too long."""
        if self._loop is None:
            raise OutputError(f"output {self.name} is closed; open it before sending")
        for worker in self._workers:
            worker.check()
        silent_s = monotonic() - self._heard_at
        if self.plc_timeout_s and silent_s > self.plc_timeout_s:
            self._handshake.clear()
            raise OutputError(
                f"output {self.name}: no PLC has read from {self.host}:{self.port} for {silent_s:.0f} s, "
                f"allowed are {self.plc_timeout_s:g} s; check the PLC or set plc_timeout_s = 0"
            )
        self._handshake.show(result)

    def state_changed(self, station: StationInterface) -> None:
        """Show the new state at once."""
        if self._loop is not None:
            self._handshake.update(station)

    def close(self) -> None:
        """Stop listening; connections of PLCs end."""
        loop, self._loop = self._loop, None
        workers, self._workers = self._workers, []
        try:
            for worker in workers:
                worker.stop()
        finally:
            if loop is not None:
                loop.finish(self.name, self._server.shutdown(), timeout_s=5.0)

    def _listen(self) -> None:
        self.connections = Connections(idle_s=IDLE_S)
        loop = LoopThread(f"{self.name} loop", loop=BoundedLoop(self.door, self.connections))
        try:
            self._server = loop.run(self._serve(), timeout_s=10.0)
        except (RuntimeError, OSError) as error:
            loop.stop()
            raise OutputUnavailable(
                f"output {self.name}: cannot listen on {self.host}:{self.port}: {error}; "
                "choose a free port of this computer (below 1024 needs the right to it)"
            ) from error
        self._loop = loop

    async def _serve(self) -> Any:
        from pymodbus.server import ModbusTcpServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        bits = [SimData(0, count=16, values=False, datatype=DataType.BITS)]
        holding = [SimData(0, count=N_HOLDING, datatype=DataType.REGISTERS)]
        inputs = [SimData(0, count=N_WORDS, datatype=DataType.REGISTERS)]
        device = SimDevice(0, (bits, list(bits), holding, inputs), action=self._answer)
        server = ModbusTcpServer(device, address=(self.host, self.port))
        await server.serve_forever(background=True)
        return server

    async def _answer(
        self,
        function: int,
        _start: int,
        address: int,
        _count: int,
        registers: list[int],
        values: list[Any] | None,
    ) -> None:
        """Answer one request of the PLC; runs in the loop's thread, so no two at a time."""
        self._heard_at = monotonic()
        if function == READ_COILS:
            registers[0] = _packed(self._coils)
        elif function == READ_DISCRETE:
            registers[0] = _packed(self._visible().bits())
        elif function == READ_INPUT:
            registers[:N_WORDS] = self._visible().words(self.word_order)
        elif function in WRITE_COILS and values:
            self._coils_written(address, values)
        elif function in WRITE_REGISTERS and values:
            self._registers_written(address, values)

    def _visible(self) -> PlcRegisters:
        """What the PLC may read now: no result while its trigger coil is set."""
        current = self._handshake.registers
        return current.cleared() if self._coils[TRIGGER] else current

    def _coils_written(self, address: int, values: list[bool]) -> None:
        coils = {address + place for place, value in enumerate(values) if value}
        if RESET in coils:
            self._handshake.clear()
        if TRIGGER in coils and not self._coils[TRIGGER]:
            self._coils[TRIGGER] = True
            trigger_id = self._handshake.begin()
            serial, lot = self._text(1), self._text(17)
            self._jobs.put(lambda: self._take(trigger_id, serial, lot))

    def _registers_written(self, address: int, values: list[int]) -> None:
        self._holding[address : address + len(values)] = values
        if address == 0:
            number = values[0]
            self._jobs.put(lambda: self._handshake.select_product(self._station, number))

    def _take(self, trigger_id: str, serial: str | None, lot: str | None) -> None:
        try:
            self._handshake.forward(self._station, trigger_id, serial=serial, lot=lot)
        finally:
            self._coils[TRIGGER] = False

    def _text(self, first: int) -> str | None:
        return text_of(bytes_of(self._holding[first : first + 16]))

    def _work(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                job = self._jobs.get(timeout=0.1)
            except Empty:
                continue
            self.door.attempt(job)

    def _beat(self, stop: Event) -> None:
        while not stop.wait(self.heartbeat_s):
            if not self._workers[0].failed:
                self._handshake.update(self._station, beat=True)


def _packed(bits: list[bool]) -> int:
    """Bits as one register, the first bit lowest."""
    return sum(bit << place for place, bit in enumerate(bits))
