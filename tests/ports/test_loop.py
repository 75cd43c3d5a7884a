"""Servers of libraries in a bounded loop: silent clients, frames that are none, and no descriptor left."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from inspection.plant.outputs import output_class
from tests.plant.conftest import Plant, free_port, wait_until


@pytest.fixture(params=["modbus_server", "opcua"])
def served(request: pytest.FixtureRequest) -> Iterator[Any]:
    kind: Any = output_class(request.param)
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    with kind(port=free_port()) as output:
        output.open(Plant())
        yield output


def _connect(output: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", output.port), 10)


def test_silent_clients_drive_each_other_out_and_are_closed(served: Any) -> None:
    silent = [_connect(served) for _ in range(400)]
    wait_until(lambda: 0 < len(served.connections) <= served.connections.most_of_one)
    assert _answers(served)
    served.connections.idle_s = 0.0
    wait_until(lambda: len(served.connections) == 0, "the end of the silent")
    for each in silent:
        each.close()
    served.check()


def test_what_is_no_frame_hangs_up_and_is_one_line(
    served: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(5)
    for _ in range(200):
        with _connect(served) as line:
            line.sendall(chance.randbytes(chance.randint(1, 300)))
    began = time.monotonic()
    assert _answers(served)
    served.check()
    assert capfd.readouterr() == ("", "")
    ours = [record for record in caplog.records if record.name == "inspection.outside"]
    assert len(ours) <= 2 + (time.monotonic() - began) + 30


def test_a_message_that_never_ends_is_not_kept(served: Any) -> None:
    """OPC UA says the length first: four gigabytes are none we wait for."""
    with _connect(served) as line:
        line.settimeout(20)
        line.sendall(b"HELF" + (2**32 - 1).to_bytes(4, "little"))
        if served.name == "modbus_server":
            return
        with pytest.raises((ConnectionError, TimeoutError)):
            for _ in range(200):
                line.sendall(bytes(65536))
                time.sleep(0.001)
    assert served.door.refused == 1


def _answers(output: Any) -> bool:
    """Whether a client that speaks is heard."""
    request = {
        "modbus_server": b"\0\1\0\0\0\6\1\2\0\0\0\6",  # read discrete inputs 0 to 5
        "opcua": b"HELF"
        + (32 + 3).to_bytes(4, "little")
        + b"\0\0\0\0"
        + b"\0\0\1\0" * 4
        + (3).to_bytes(4, "little")
        + b"a:b",
    }[output.name]
    with _connect(output) as line:
        line.settimeout(10)
        line.sendall(request)
        return bool(line.recv(100))
