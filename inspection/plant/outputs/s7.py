"""Siemens S7: the station writes its verdicts into a data block of the PLC and polls its trigger."""

from __future__ import annotations

from typing import Any

from inspection.plant.extras import missing_extra
from inspection.plant.outputs._plc_handshake import PlcRegisters, bytes_of, text_of
from inspection.plant.outputs._polled_plc import PolledPlc
from inspection.plant.outputs.base import OutputError, OutputUnavailable

TRIGGER_BYTE, RESET_BYTE, N_REQUEST = 0, 1, 68
BITS_BYTE, WORDS_BYTE = 68, 70


class S7(PolledPlc):
    """Exchanges the data block of the manual with an S7 PLC.

    Trigger and reset each have a byte of their own: a bit the PLC writes and a bit the station
    writes never share one. The block is at least 96 bytes, not optimized, PUT/GET allowed.
    """

    name = "s7"

    def __init__(
        self,
        *,
        host: str,
        port: int = 102,
        rack: int = 0,
        slot: int = 1,
        db: int = 1,
        start: int = 0,
        poll_s: float = 0.01,
        heartbeat_s: float = 1.0,
        reconnect_s: float = 1.0,
    ) -> None:
        self.host, self.port, self.rack, self.slot = host, port, rack, slot
        self.db, self.start = db, start
        self.poll_s, self.heartbeat_s, self.reconnect_s = poll_s, heartbeat_s, reconnect_s
        self._client: Any = None

    @classmethod
    def missing(cls) -> str | None:
        """How to install python-snap7, or None."""
        return missing_extra("s7", "snap7")

    def connect(self) -> None:
        """Connect to the PLC. Raises OutputUnavailable."""
        from snap7.client import Client
        from snap7.error import S7Error

        self._client = Client()
        try:
            self._client.connect(self.host, self.rack, self.slot, self.port)
        except (S7Error, OSError) as error:
            raise OutputUnavailable(
                f"output {self.name}: no S7 PLC answers at {self.host}:{self.port} rack {self.rack} "
                f"slot {self.slot}: {error}; check the address and that PUT/GET is allowed"
            ) from error

    def disconnect(self) -> None:
        """Let the connection go."""
        if self._client is not None:
            self._client.disconnect()

    def read_flags(self) -> tuple[bool, bool]:
        """Read the trigger and the reset bit."""
        data = self._read(TRIGGER_BYTE, 2)
        return bool(data[0] & 1), bool(data[1] & 1)

    def read_request(self) -> tuple[int, str | None, str | None]:
        """Read the product number, serial and lot."""
        data = self._read(0, N_REQUEST)
        return int.from_bytes(data[2:4], "big"), text_of(data[4:36]), text_of(data[36:68])

    def clear_trigger(self) -> None:
        """Set the trigger's byte to 0."""
        self._write(TRIGGER_BYTE, b"\0")

    def clear_reset(self) -> None:
        """Set the reset's byte to 0."""
        self._write(RESET_BYTE, b"\0")

    def write_bits(self, registers: PlcRegisters) -> None:
        """Write the flags' byte."""
        bits = sum(bit << place for place, bit in enumerate(registers.bits()))
        self._write(BITS_BYTE, bytes([bits]))

    def write_words(self, registers: PlcRegisters) -> None:
        """Write the words at once, high word first."""
        self._write(WORDS_BYTE, bytes_of(registers.words()))

    def _read(self, first: int, size: int) -> bytes:
        return bytes(self._ask("db_read", first, size))

    def _write(self, first: int, data: bytes) -> None:
        self._ask("db_write", first, bytearray(data))

    def _ask(self, function: str, first: int, what: Any) -> Any:
        from snap7.error import S7Error

        try:
            return getattr(self._client, function)(self.db, self.start + first, what)
        except (S7Error, OSError, RuntimeError) as error:
            raise OutputError(
                f"output {self.name}: {function} DB{self.db} byte {self.start + first} "
                f"at {self.host}:{self.port} failed: {error}"
            ) from error
