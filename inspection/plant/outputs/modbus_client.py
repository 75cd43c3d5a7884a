"""Modbus TCP: the PLC is the server, the station writes its verdicts there and polls its trigger."""

from __future__ import annotations

from typing import Any, Literal

from inspection.plant.extras import missing_extra
from inspection.plant.outputs._plc_handshake import PlcRegisters, bytes_of, text_of
from inspection.plant.outputs._polled_plc import PolledPlc
from inspection.plant.outputs.base import OutputError, OutputUnavailable

STATUS_COIL = 8
N_REQUEST, STATUS_REGISTER = 33, 40


class ModbusClient(PolledPlc):
    """Writes the register map of the manual into a PLC that is a Modbus TCP server.

    A client can write coils and holding registers only, so what would be discrete inputs are coils
    from 8 on, and what would be input registers are holding registers from 40 on.
    """

    name = "modbus_client"

    def __init__(
        self,
        *,
        host: str,
        port: int = 502,
        device_id: int = 1,
        first_coil: int = 0,
        first_register: int = 0,
        poll_s: float = 0.01,
        heartbeat_s: float = 1.0,
        timeout_s: float = 2.0,
        reconnect_s: float = 1.0,
        word_order: Literal["big", "little"] = "big",
    ) -> None:
        self.host, self.port, self.device_id = host, port, device_id
        self.first_coil, self.first_register = first_coil, first_register
        self.poll_s, self.heartbeat_s = poll_s, heartbeat_s
        self.timeout_s, self.reconnect_s = timeout_s, reconnect_s
        self.word_order: Literal["big", "little"] = word_order
        self._client: Any = None

    @classmethod
    def missing(cls) -> str | None:
        """How to install pymodbus, or None."""
        return missing_extra("modbus", "pymodbus")

    def connect(self) -> None:
        """Connect to the PLC. Raises OutputUnavailable."""
        from pymodbus.client import ModbusTcpClient

        self._client = ModbusTcpClient(
            self.host, port=self.port, timeout=self.timeout_s, retries=0, reconnect_delay=0
        )
        if not self._client.connect():
            raise OutputUnavailable(
                f"output {self.name}: no Modbus server answers at {self.host}:{self.port} "
                f"in {self.timeout_s:g} s; check host, port and cable"
            )

    def disconnect(self) -> None:
        """Let the connection go."""
        if self._client is not None:
            self._client.close()

    def read_flags(self) -> tuple[bool, bool]:
        """Read coils 0 and 1."""
        trigger, reset = self._ask("read_coils", self.first_coil, count=2).bits[:2]
        return trigger, reset

    def read_request(self) -> tuple[int, str | None, str | None]:
        """Read holding registers 0 to 32."""
        words = self._ask("read_holding_registers", self.first_register, count=N_REQUEST).registers
        return words[0], text_of(bytes_of(words[1:17])), text_of(bytes_of(words[17:33]))

    def clear_trigger(self) -> None:
        """Set coil 0 back."""
        self._ask("write_coil", self.first_coil, value=False)

    def clear_reset(self) -> None:
        """Set coil 1 back."""
        self._ask("write_coil", self.first_coil + 1, value=False)

    def write_bits(self, registers: PlcRegisters) -> None:
        """Write coils 8 to 13 at once."""
        self._ask("write_coils", self.first_coil + STATUS_COIL, values=registers.bits())

    def write_words(self, registers: PlcRegisters) -> None:
        """Write holding registers 40 to 52 at once."""
        words = registers.words(self.word_order)
        self._ask("write_registers", self.first_register + STATUS_REGISTER, values=words)

    def _ask(self, function: str, address: int, **values: Any) -> Any:
        from pymodbus import ModbusException

        try:
            answer = getattr(self._client, function)(address, device_id=self.device_id, **values)
        except (ModbusException, OSError) as error:
            raise OutputError(f"{self._where(function, address)} failed: {error}") from error
        if answer.isError():
            raise OutputError(f"{self._where(function, address)} was refused: {answer}")
        return answer

    def _where(self, function: str, address: int) -> str:
        return f"output {self.name}: {function} {address} at {self.host}:{self.port}"
