"""Ten thousand malformed messages at each port of a station at work: it lives, and says little."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

import httpx
import pytest

from inspection.local_api.server import RUNTIME
from tests.attack.conftest import MESSAGES, TOKEN
from tests.attack.mutate import mutated
from tests.plant.conftest import free_port, wait_until

pytestmark = pytest.mark.slow

TRIGGERS = [
    b'{"trigger_id": "T1", "serial": "A-17", "lot": "L1", "product": "flange"}',
    b'{"serial": null}', b"{}", b'{"serial": "A"}', b"[]", b"flange",
]  # fmt: skip

JSON, FORM = "Content-Type: application/json", "Content-Type: multipart/form-data; boundary=a"
PANEL_CALLS = [
    ("queue/join", b'{"data": ["own"], "fn_index": 0, "session_hash": "x", "trigger_id": 5}', JSON),
    ("queue/join", b'{"data": [], "fn_index": 1, "session_hash": "y", "event_data": {"index": 1}}', JSON),
    ("cancel", b'{"session_hash": "x", "fn_index": 1, "event_id": "e"}', JSON),
    ("upload", b'--a\r\nContent-Disposition: form-data; name="files"; filename="f"\r\n\r\nx\r\n--a--\r\n', FORM),
]  # fmt: skip


def _request(path: str, body: bytes, *headers: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def _send(port: int, inputs: Iterator[bytes], *, on_one: int, answer_s: float) -> int:
    """Send inputs, so many on one connection; give how many were sent."""
    sent, line = 0, None
    for data in inputs:
        if line is None or sent % on_one == 0:
            if line is not None:
                line.close()
            line = socket.create_connection(("127.0.0.1", port), 10)
            line.settimeout(answer_s)
        sent += 1
        with suppress(OSError):
            line.sendall(data)
            if on_one == 1:
                line.shutdown(socket.SHUT_WR)
            if sent % on_one == 0:
                while line.recv(65536):
                    pass
    if line is not None:
        line.close()
    return sent


def test_http_trigger(attacked: Any, figures: Any) -> None:
    attacked.begin()
    bearer = f"Authorization: Bearer {TOKEN}"
    seeds = [_request("/trigger", each, bearer) for each in TRIGGERS[:2]]
    seeds += [_request("/trigger", each) for each in TRIGGERS]
    seeds += [
        b"GET / HTTP/1.1\r\n\r\n",
        _request("/trigger", b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    ]
    sent = _send(attacked.ports["http"], mutated(seeds, MESSAGES, seed=1), on_one=1, answer_s=2.0)
    attacked.well()
    figures(f"http trigger: {sent} malformed requests, {attacked.whole()}")


def test_status_port(attacked: Any, figures: Any) -> None:
    attacked.begin()
    seeds = [b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /metrics HTTP/1.0\r\n\r\n"]
    inputs = mutated(seeds, MESSAGES, seed=2)
    sent = _send(attacked.ports["status"], inputs, on_one=1, answer_s=2.0)
    attacked.well()
    figures(f"status port: {sent} malformed requests")


def test_modbus(attacked: Any, figures: Any) -> None:
    attacked.begin()
    seeds = [
        bytes.fromhex(f"0001 0000 {1 + len(bytes.fromhex(pdu)):04x} 01 {pdu}")
        for pdu in (
            "01 0000 0002", "02 0000 0006", "03 0000 0021", "04 0000 000d", "05 0000 ff00", "06 0000 0001",
            "0f 0000 0002 01 03", "10 0000 0002 04 00410042", "16 0000 00f2 0025", "2b 0e 01 00",
            "17 0000 0002 0000 0001 02 0001", "08 0000 a537", "14 07 06 0004 0001 0002", "07", "0b", "11",
        )
    ]  # fmt: skip
    inputs = mutated(seeds, MESSAGES, seed=3)
    sent = _send(attacked.ports["modbus"], inputs, on_one=20, answer_s=0.02)
    attacked.well()
    figures(f"modbus: {sent} malformed frames")


def test_opc_ua(attacked: Any, figures: Any) -> None:
    attacked.begin()
    seeds = _recorded(attacked.ports["opcua"])
    assert len(seeds) >= 6
    inputs = mutated(seeds, MESSAGES, seed=4)
    sent = _send(attacked.ports["opcua"], _with_hello(inputs, seeds), on_one=20, answer_s=0.02)
    attacked.well()
    assert _recorded(attacked.ports["opcua"])  # a client is served as before
    figures(f"opc ua: {sent} malformed messages, from {len(seeds)} of a client")


def _with_hello(inputs: Iterator[bytes], seeds: list[bytes]) -> Iterator[bytes]:
    """Begin half of the connections as a client does, so that what follows is looked at."""
    for number, data in enumerate(inputs):
        begins = number % 40 == 0
        yield seeds[0] + seeds[1] + data if begins else data


def _recorded(port: int) -> list[bytes]:
    """What a client sends to a server, chunk by chunk: connect, browse, read, write, call."""
    import asyncio

    from asyncua import Client

    chunks: list[bytes] = []

    async def serve(reader: Any, writer: Any) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)

        async def forward(source: Any, target: Any, keep: bool) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    if keep:
                        chunks.append(data)
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(
            forward(reader, other_writer, True), forward(other_reader, writer, False)
        )

    async def work() -> None:
        here = free_port()
        server = await asyncio.start_server(serve, "127.0.0.1", here)
        async with server:
            async with Client(f"opc.tcp://127.0.0.1:{here}", timeout=20) as client:
                index = await client.get_namespace_index("urn:inspection:station")
                (system,) = [
                    each
                    for each in await client.nodes.objects.get_children()
                    if each.nodeid.NamespaceIndex == index
                ]
                part = await system.get_child(f"{index}:PartId")
                await part.write_value("A-17")
                await system.get_children()
            await asyncio.sleep(0.1)

    asyncio.run(work())
    return chunks


def test_mqtt(attacked: Any, figures: Any) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    attacked.begin()
    client = Client(CallbackAPIVersion.VERSION2, client_id="attacker")
    refused = []
    client.on_message = lambda _c, _d, message: refused.append(message.payload)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda c, *_: c.subscribe("line/refused", 0)
    client.connect("127.0.0.1", attacked.ports["mqtt"])
    client.loop_start()
    assert subscribed.wait(10)
    deep = 0
    for number, data in enumerate(mutated(TRIGGERS, MESSAGES, seed=5)):
        topic = "line/product" if number % 10 == 9 else "line/trigger"
        deep += b"[[[[" in data
        client.publish(topic, data, qos=1)
        if number % 100 == 99:  # a broker keeps a thousand for who is slow, and loses the rest
            expected = 0.8 * number
            wait_until(lambda least=expected: len(refused) + _taken(attacked) >= least, "refusals")
    client.publish("line/product", "flange", qos=1).wait_for_publish(10)
    attacked.well()
    client.disconnect()
    client.loop_stop()
    figures(f"mqtt: {MESSAGES} malformed messages ({deep} nested), {len(refused)} refused")


def _taken(attacked: Any) -> int:
    return int(attacked.status()["triggers"])


def test_control_port(attacked: Any, figures: Any) -> None:
    attacked.begin()
    told = json.loads((attacked.at_work.page_folder / RUNTIME).read_text())
    verbs = (
        "event",
        "action",
        "product",
        "recipe",
        "confirm",
        "take",
        "camera",
        "trigger",
        "none",
        "..",
    )
    seeds = [
        b'{"who": "mia", "part_id": "p", "kind": "label", "detail": {"label": "OK"}}', b"{}",
        b'{"who": "mia", "path": "/dev/zero"}', b'{"who": "mia", "recipe_id": "0"}', b"[1]",
        b'{"who": "mia", "product": "wheel"}', b'{"who": "mia", "view": "main", "settings": {"a": 1}}',
    ]  # fmt: skip
    statuses: dict[int, int] = {}
    line = HTTPConnection("127.0.0.1", told["port"], timeout=20)
    for number, data in enumerate(mutated(seeds, MESSAGES, seed=6)):
        headers = {"Authorization": f"Bearer {told['token'] if number % 20 else 'wrong'}"}
        try:
            line.request("POST", f"/{verbs[number % len(verbs)]}", data, headers)
            answer = line.getresponse()
            answer.read()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
        except (HTTPException, OSError):
            line.close()
    line.close()
    assert statuses.get(500, 0) == 0
    attacked.well()
    figures(f"control port: {MESSAGES} malformed calls, answers {statuses}")


def test_page(attacked: Any, figures: Any) -> None:
    attacked.begin()
    page = attacked.ports["page"]
    with attacked.at_work.client("mia") as client:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    body = (
        b'{"product": "flange", "view": "main", "names": ["a"], "part_id": "p", "reason": "defect"}'
    )
    seeds = [
        _request(path, body, f"Cookie: {cookies}", "Origin: http://127.0.0.1", "Content-Type: application/json")
        for path in (
            "/api/engineer/setup/where", "/api/operator/acknowledge", "/api/operator/disagree", "/login",
        )
    ]  # fmt: skip
    seeds += [
        _request(f"/engineer/reports/gradio_api/{door}", body, f"Cookie: {cookies}", "Origin: http://127.0.0.1", kind)
        for door, body, kind in PANEL_CALLS
    ]  # fmt: skip
    seeds += [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{page}\r\nConnection: close\r\n\r\n".encode()
        for path in (
            "/",
            "/api/operator/part/x",
            "/words/en.json",
            "/gradio_api/queue/join",
            "/static/x",
        )
    ]
    answers: dict[bytes, int] = {}
    for data in mutated(seeds, MESSAGES, seed=7):
        with suppress(OSError), socket.create_connection(("127.0.0.1", page), 10) as line:
            line.settimeout(0.5)
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            status = line.recv(4096).split(b" ")[1:2]
            answers[status[0] if status else b"-"] = (
                answers.get(status[0] if status else b"-", 0) + 1
            )
    assert answers.get(b"500", 0) == 0
    assert attacked.at_work.page.poll() is None
    log = (attacked.at_work.folder / "page.log").read_text("utf-8", "replace")
    assert "Traceback" not in log, log[-3000:]
    url = f"http://127.0.0.1:{page}/engineer/setup/"  # signing in has to wait by now
    found = httpx.get(url, headers={"Cookie": cookies}, trust_env=False, timeout=10)
    assert found.status_code == 200
    attacked.well()
    figures(f"page: {MESSAGES} malformed requests, answers {answers}")


def test_nothing_ended_and_nothing_grew(attacked: Any, figures: Any) -> None:
    time.sleep(1.0)
    found = attacked.whole()
    memory_mb, files, threads = attacked.weight()
    assert files < 150
    assert threads < 100
    figures(f"after all: {found}, {memory_mb} MB, {files} files open, {threads} threads")
