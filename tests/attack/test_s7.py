"""A real S7 server whose data block holds nonsense, and that others send nonsense to."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

import pytest

from inspection.plant.outputs import output_class
from tests.attack.mutate import mutated
from tests.plant.conftest import Plant, S7Plc, wait_until

pytestmark = pytest.mark.slow
BLOCKS, FRAMES = 1_000, 300
ASKED = 68
"""Bytes of the data block that the PLC writes: trigger, reset, product, serial, lot."""


def test_s7_server(figures: Any, caplog: pytest.LogCaptureFixture) -> None:
    kind: Any = output_class("s7")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    plc, plant, began = S7Plc(), Plant(), time.monotonic()
    plc.start()
    good = bytes([1, 0, 0, 1]) + b"A-17".ljust(32, b"\0") + b"lot 9".ljust(32, b"\0")
    frame = bytes.fromhex("0300001611e00000000100c0010ac1020100c2020101")
    try:
        with kind(**plc.settings(), poll_s=0.001) as link:
            link.open(plant)
            for data in mutated([good], BLOCKS, seed=90):
                plc.data[:ASKED] = data[:ASKED].ljust(ASKED, b"\0")
                time.sleep(0.002)
            for data in mutated([frame], FRAMES, seed=91):
                with (
                    suppress(OSError),
                    socket.create_connection(("127.0.0.1", plc.port), 5) as line,
                ):
                    line.sendall(data)
            plc.data[:ASKED] = bytes(ASKED)
            taken = len(plant.requests)
            plc.data[:ASKED] = good
            wait_until(lambda: len(plant.requests) > taken, "the trigger after all")
            assert plant.requests[-1].serial == "A-17"
            wait_until(lambda: not plc.flags()[0], "the trigger's bit taken back")
    finally:
        plc.stop()
    assert taken > 0
    assert all(len(request.serial or "") <= 32 for request in plant.requests)
    said = [each for each in caplog.records if each.name == "inspection.outside"]
    assert len(said) <= time.monotonic() - began + 2
    assert not [
        each for each in caplog.records if each.exc_info and each.name.startswith("inspection")
    ]
    figures(
        f"s7: {BLOCKS} malformed data blocks, {FRAMES} malformed frames, {taken} triggers taken"
    )
