"""The station's side of an output, and real peers for the other side."""

from __future__ import annotations

import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import InspectionError
from inspection.judgement import Region, Verdict
from inspection.plant.messages import Taken
from inspection.plant.outputs import InspectionResult, TriggerRequest
from inspection.reasons import Reason

WAIT_S = 20.0
JUDGED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Plant:
    """A station as outputs and triggers see it; `answer` is asked for each trigger's answer."""

    def __init__(self) -> None:
        self.station = "press 4"
        self.state = "Ready"
        self.products = ("flange", "bracket")
        self.product = "flange"
        self.error_code = 0
        self.requests: list[TriggerRequest] = []
        self.accepts = True
        self.while_triggered: Callable[[], None] = lambda: None

    def trigger(self, request: TriggerRequest) -> bool:
        self.while_triggered()
        taken = self.accepts and self.taken_before(request.trigger_id) is None
        if taken:
            self.requests.append(request)
        return taken

    def taken_before(self, trigger_id: str) -> Taken | None:
        ids = [request.trigger_id for request in self.requests]
        return Taken(trigger_id, ids.index(trigger_id) + 1) if trigger_id in ids else None

    def change_product(self, product: str) -> None:
        if product not in self.products:
            raise InspectionError(f"product {product!r} has no recipe")
        self.product = product


def wait_until(seen: Callable[[], Any], what: str = "") -> Any:
    """Wait for something true, in the end give it; fails after WAIT_S with what was last seen."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if found := seen():
            return found
        time.sleep(0.005)
    raise AssertionError(f"not seen in {WAIT_S} s: {what or seen}; last {seen()!r}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_result(number: int = 7, **fields: Any) -> InspectionResult:
    region = Region(
        x_px=1, y_px=2, width_px=3, height_px=4, area_px=12.0, area_mm2=None, peak_score=9.5
    )
    given = {
        "delivery_id": f"part-{number}",
        "trigger_id": f"trigger-{number}",
        "station": "press 4",
        "verdict": Verdict.FAIL,
        "cause": Reason("other", {"text": "a dent, at the rim"}),
        "judged_at": JUDGED_AT,
        "number": number,
        "score": 2.5,
        "p_value": 0.01,
        "threshold": 1.5,
        "regions": (region,),
        "serial": f"S{number}",
        "lot": "L1",
        "product": "flange",
        "recipe_id": "abc",
        "latency_ms": {"total": 12.5},
    }
    return InspectionResult(**(given | fields))


@pytest.fixture
def plant() -> Plant:
    return Plant()


@pytest.fixture
def make() -> Callable[..., InspectionResult]:
    return make_result


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """A test that leaves a thread behind fails."""
    before = set(threading.enumerate())

    def left() -> list[str]:
        new = set(threading.enumerate()) - before
        return [t.name for t in new if not t.name.startswith(("asyncio_", "ThreadPoolExecutor"))]

    yield
    wait_until(lambda: not left(), f"end of threads {left()}")


class ModbusMaster:
    """A PLC that is a Modbus client, of our server."""

    output = "modbus_server"

    def __init__(self) -> None:
        self.port = free_port()
        self._client: Any = None

    def settings(self) -> dict[str, Any]:
        return {"port": self.port, "heartbeat_s": 0.05}

    def start(self) -> None: ...

    def connect(self) -> None:
        from pymodbus.client import ModbusTcpClient

        if self._client is not None:
            self._client.close()
        self._client = ModbusTcpClient("127.0.0.1", port=self.port, timeout=5)
        assert self._client.connect()

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()

    def ask(self, function: str, *values: Any, **more: Any) -> Any:
        answer = getattr(self._client, function)(*values, device_id=1, **more)
        assert not answer.isError(), (function, answer)
        return answer

    def trigger(self) -> None:
        self.ask("write_coil", 0, True)

    def reset(self) -> None:
        self.ask("write_coil", 1, True)

    def flags(self) -> list[bool]:
        return self.ask("read_coils", 0, count=2).bits[:2]

    def bits(self) -> list[bool]:
        return self.ask("read_discrete_inputs", 0, count=6).bits[:6]

    def words(self) -> list[int]:
        return self.ask("read_input_registers", 0, count=13).registers

    def want(self, number: int) -> None:
        self.ask("write_register", 0, number)

    def identify(self, serial: str, lot: str) -> None:
        text = serial.encode().ljust(32, b"\0") + lot.encode().ljust(32, b"\0")
        self.ask("write_registers", 1, list(struct.unpack(">32H", text)))


class ModbusPlc(ModbusMaster):
    """A PLC that is a Modbus server; its program is seen through a client of its own."""

    output = "modbus_client"

    def __init__(self) -> None:
        super().__init__()
        self._loop: Any = None

    def settings(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "heartbeat_s": 0.05,
            "reconnect_s": 0.05,
            "timeout_s": 2.0,
        }

    def start(self) -> None:
        from inspection.plant.worker import LoopThread

        self._loop = LoopThread("PLC")
        self._server = self._loop.run(self._serve(), timeout_s=5)

    async def _serve(self) -> Any:
        from pymodbus.server import ModbusTcpServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        def bits() -> list[SimData]:
            return [SimData(0, count=16, values=False, datatype=DataType.BITS)]

        def words() -> list[SimData]:
            return [SimData(0, count=64, datatype=DataType.REGISTERS)]

        device = SimDevice(0, (bits(), bits(), words(), words()))
        server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
        await server.serve_forever(background=True)
        return server

    def stop(self) -> None:
        super().stop()
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.run(self._server.shutdown(), timeout_s=5)
            loop.stop()

    def bits(self) -> list[bool]:
        return self.ask("read_coils", 8, count=6).bits[:6]

    def words(self) -> list[int]:
        return self.ask("read_holding_registers", 40, count=13).registers


class S7Plc:
    """An S7 PLC with one data block."""

    output = "s7"

    def __init__(self) -> None:
        self.port = free_port()
        self._server: Any = None

    def settings(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1", "port": self.port, "db": 5,
            "heartbeat_s": 0.05, "reconnect_s": 0.05,
        }  # fmt: skip

    def start(self) -> None:
        from snap7.server import Server
        from snap7.type import SrvArea

        self._server = Server(log=False)
        self._server.host = "127.0.0.1"
        self._server.register_area(SrvArea.DB, 5, bytearray(96))
        self._server.start(self.port)

    def connect(self) -> None: ...

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    @property
    def data(self) -> bytearray:
        return next(iter(self._server.memory_areas.values()))

    def trigger(self) -> None:
        self.data[0] = 1

    def reset(self) -> None:
        self.data[1] = 1

    def flags(self) -> list[bool]:
        return [bool(self.data[0]), bool(self.data[1])]

    def bits(self) -> list[bool]:
        return [bool(self.data[68] >> place & 1) for place in range(6)]

    def words(self) -> list[int]:
        return list(struct.unpack(">13H", self.data[70:96]))

    def want(self, number: int) -> None:
        self.data[2:4] = struct.pack(">H", number)

    def identify(self, serial: str, lot: str) -> None:
        self.data[4:36] = serial.encode().ljust(32, b"\0")
        self.data[36:68] = lot.encode().ljust(32, b"\0")


@pytest.fixture(params=[ModbusMaster, ModbusPlc, S7Plc], ids=lambda kind: kind.output)
def plc(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a PLC that is on, for each output that speaks to one."""
    from inspection.plant.outputs import output_class

    if (missing := output_class(request.param.output).missing()) is not None:
        pytest.skip(missing)
    plc = request.param()
    plc.start()
    yield plc
    plc.stop()


@pytest.fixture
def plc_kinds() -> list[Any]:
    return [ModbusMaster, ModbusPlc, S7Plc]


class Broker:
    """A mosquitto of our own, that keeps its messages on disk over a restart."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 1\n"
            "autosave_on_changes true\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [mosquitto(), "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, "the broker's port")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(WAIT_S)

    def freeze(self, *, on: bool) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def mosquitto() -> str:
    return shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") or ""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if not mosquitto():
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Any]:
    """Give a client of the broker that keeps all messages in `messages`: topic, text, retained."""
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, client_id="listener")
    client.messages = []  # type: ignore[attr-defined]
    subscribed = client.subscribed = threading.Event()  # type: ignore[attr-defined]
    client.on_message = lambda _c, _d, m: client.messages.append(
        (m.topic, m.payload.decode(), m.retain)
    )
    client.on_connect = lambda c, *_: c.subscribe("#", 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert subscribed.wait(WAIT_S)
    yield client
    client.disconnect()
    client.loop_stop()


class Hook:
    """A web server that answers with the codes it is given, then 200, and keeps what came."""

    def __init__(self) -> None:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        self.codes: list[int] = []
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.connections: set[Any] = set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = hook.codes.pop(0) if hook.codes else 200
                hook.connections.add(self.client_address)
                if code == 200:
                    hook.posts.append((dict(self.headers), body))
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/parts"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(WAIT_S)


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.stop()
