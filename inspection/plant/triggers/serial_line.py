"""A scanner on a serial port: each line it sends is a part's identity and a trigger."""

from __future__ import annotations

import re
from functools import partial
from threading import Event
from typing import Any

from inspection.outside import Door, Refused
from inspection.plant.extras import missing_extra
from inspection.plant.messages import StationInterface, TriggerRequest
from inspection.plant.part_fields import PROCESS, check_request, process_of_texts
from inspection.plant.triggers import TriggerUnavailable, offer
from inspection.plant.worker import Worker

GROUPS = {"serial", "lot", "product"}
OF_PROCESS = f"{PROCESS}_"
"""What the name of a group begins with that is a process value, such as process_torque."""
LONGEST_LINE = 4096


class SerialLine:
    """Triggers at each line a serial device sends; the line is the serial number.

    `pattern` is a regular expression with named groups serial, lot, product and process_NAME for lines
    that hold more. A line it does not match, or that is too long, is no trigger and counts in `refused`. A
    port that goes away is opened again every `reconnect_s`.
    """

    name = "serial_line"

    def __init__(
        self,
        *,
        port: str,
        baudrate: int = 9600,
        pattern: str = "(?P<serial>.+)",
        encoding: str = "ascii",
        reconnect_s: float = 1.0,
    ) -> None:
        self.port, self.baudrate, self.pattern = port, baudrate, pattern
        self.encoding, self.reconnect_s = encoding, reconnect_s
        self.door = Door(f"trigger {self.name}")
        self._worker: Worker | None = None
        self._device: Any = None

    @property
    def refused(self) -> int:
        """Lines that were no trigger, or that the station did not take."""
        return self.door.refused

    @classmethod
    def missing(cls) -> str | None:
        """How to install pyserial, or None."""
        return missing_extra("serial", "serial")

    def open(self, station: StationInterface) -> None:
        """Open the port. Raises TriggerUnavailable."""
        if (missing := self.missing()) is not None:
            raise TriggerUnavailable(f"trigger {self.name}: {missing}")
        self._station = station
        self._form = _compiled(self.pattern)
        self._device = self._connected()
        self._worker = Worker(f"trigger {self.name}", self._work, error=TriggerUnavailable)
        self._worker.start()

    def check(self) -> None:
        """Raise TriggerUnavailable if the trigger's thread ended by itself."""
        if self._worker is not None:
            self._worker.check()

    def close(self) -> None:
        """Let the port go."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
        self._drop()

    def _work(self, stop: Event) -> None:
        from serial import SerialException

        rest = b""
        while not stop.is_set():
            try:
                self._device = self._device or self._connected()
                rest = self._split_lines(rest + self._device.read(self._device.in_waiting or 1))
            except (SerialException, OSError, TriggerUnavailable):
                self._drop()
                rest = b""
                stop.wait(self.reconnect_s)

    def _split_lines(self, data: bytes) -> bytes:
        """Trigger at each whole line; returns what is left of the last."""
        *lines, rest = re.split(rb"[\r\n]", data)
        for text in filter(None, lines):
            self.door.attempt(partial(self._trigger, text))
        if len(rest) <= LONGEST_LINE:
            return rest
        self.door.refuse(f"a line of more than {LONGEST_LINE} bytes")
        return b""

    def _trigger(self, data: bytes) -> None:
        if len(data) > LONGEST_LINE:
            raise Refused(f"a line of {len(data)} bytes, at most {LONGEST_LINE} are allowed")
        match = self._form.fullmatch(data.decode(self.encoding, "replace").strip())
        if match is None:
            raise Refused(f"the line {data[:40]!r} does not fit the pattern")
        request = TriggerRequest(source=self.name, **_fields(match.groupdict()))
        check_request(request)
        if not offer(self._station, request):
            raise Refused(f"the station is {self._station.state}")

    def _connected(self) -> Any:
        from serial import Serial, SerialException

        try:
            return Serial(self.port, self.baudrate, timeout=0.1)
        except (SerialException, OSError, ValueError) as error:
            raise TriggerUnavailable(f"trigger {self.name}: port {self.port}: {error}") from error

    def _drop(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.close()


def _fields(groups: dict[str, str | None]) -> dict[str, Any]:
    """Identity and process values of a line; a group that took no part is absent."""
    given = {name: text for name, text in groups.items() if text is not None}
    own = {name: given[name] for name in given.keys() & GROUPS}
    return {**own, PROCESS: process_of_texts(given, prefix=OF_PROCESS)}


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        form = re.compile(pattern)
    except re.error as error:
        raise TriggerUnavailable(f"trigger serial_line: pattern {pattern!r}: {error}") from error
    own = {name for name in form.groupindex if not name.startswith(OF_PROCESS)}
    if not form.groupindex or own - GROUPS:
        raise TriggerUnavailable(
            f"trigger serial_line: pattern {pattern!r} has groups {sorted(form.groupindex)}; "
            "allowed: serial, lot, product, process_NAME, at least one"
        )
    return form
