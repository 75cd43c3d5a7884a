"""Triggers: a real serial line (a pty), real HTTP requests, the clock, and the PLC simulator."""

from __future__ import annotations

import json
import os
import pty
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import InspectionError, SetupError
from inspection.judgement import Verdict
from inspection.plant.outputs import output_class
from inspection.plant.triggers import TriggerUnavailable, trigger_class, trigger_names
from inspection.plant.triggers.http import Http
from inspection.plant.triggers.interval import Interval


@pytest.mark.parametrize("name", trigger_names())
def test_every_trigger_has_the_shape(name: str) -> None:
    kind: Any = trigger_class(name)
    assert kind.name == name
    assert kind.missing() is None or "pip install 'inspection[" in kind.missing()
    assert all(callable(getattr(kind, verb)) for verb in ("open", "close", "check"))


def test_unknown_trigger_is_refused_with_those_allowed() -> None:
    with pytest.raises(SetupError) as caught:
        trigger_class("telepathy")
    allowed = ", ".join(trigger_names())
    assert str(caught.value) == f"trigger 'telepathy' does not exist; allowed: {allowed}"


def test_interval_triggers_until_closed(plant: Any, until: Any) -> None:
    trigger = Interval(period_s=0.01)
    trigger.close()
    trigger.open(plant)
    until(lambda: len(plant.requests) >= 3, "three triggers")
    trigger.check()
    trigger.close()
    trigger.close()
    count = len(plant.requests)
    assert len({request.trigger_id for request in plant.requests}) == count
    assert {request.source for request in plant.requests} == {"interval"}
    assert len(plant.requests) == count


def test_interval_counts_what_was_refused(plant: Any, until: Any) -> None:
    plant.accepts = False
    trigger = Interval(period_s=0.01)
    trigger.open(plant)
    until(lambda: trigger.refused >= 2, "refusals")
    trigger.close()
    assert plant.requests == []
    with pytest.raises(TriggerUnavailable, match="period_s = 0; it must be above 0"):
        Interval(period_s=0).open(plant)


def test_interval_gives_serials_and_lots(plant: Any, until: Any) -> None:
    trigger = Interval(period_s=0.01, lot_size=2)
    trigger.open(plant)
    until(lambda: len(plant.requests) >= 5, "five triggers")
    trigger.close()
    requests = plant.requests[:5]
    began = requests[0].lot.removesuffix("-1")
    assert [request.lot for request in requests] == [f"{began}-{n}" for n in (1, 1, 2, 2, 3)]
    assert [request.serial for request in requests] == [
        f"{request.lot}-{n:03}" for request, n in zip(requests, (1, 2, 1, 2, 1), strict=True)
    ]
    with pytest.raises(TriggerUnavailable, match="lot_size = -1; it must be 0 or above"):
        Interval(lot_size=-1).open(plant)


def test_thread_that_ended_is_told(plant: Any, until: Any) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug")

    plant.while_triggered = broken
    trigger = Interval(period_s=0.01)
    trigger.open(plant)
    assert "ZeroDivisionError: a bug" in until(lambda: _failure(trigger), "the failure")
    trigger.close()


def test_no_line_of_a_scanner_ends_its_thread(
    scanner: Any, plant: Any, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug")

    ours, port = scanner
    plant.while_triggered = broken
    trigger = _serial(port)
    trigger.open(plant)
    try:
        os.write(ours, b"A-17\n")
        until(lambda: trigger.refused == 1, "the refusal")
        plant.while_triggered = lambda: None
        os.write(ours, b"A" * 1001 + b"\nA-18\n")
        until(lambda: plant.requests, "the next part")
        trigger.check()
    finally:
        trigger.close()
    assert ([r.serial for r in plant.requests], trigger.refused) == (["A-18"], 2)
    assert "trigger serial_line: refused: unexpected ZeroDivisionError: a bug" in caplog.text


def _failure(trigger: Any) -> str:
    """What `check` raised, which is of the kind that triggers promise and no other."""
    try:
        trigger.check()
    except TriggerUnavailable as error:
        return str(error)
    return ""


def test_a_plc_simulator_that_finds_nobody_is_a_trigger_that_is_not_there(
    plant: Any, port: int
) -> None:
    kind: Any = trigger_class("plc_simulator")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    with pytest.raises(TriggerUnavailable, match=f"plc_simulator: nothing answers at .*:{port}"):
        kind(port=port, timeout_s=0.5).open(plant)


@pytest.fixture
def http(plant: Any, port: int, tmp_path: Path) -> Iterator[Http]:
    (tmp_path / "token").write_text("letmein\n")
    trigger = Http(port=port, token_file=tmp_path / "token")
    trigger.open(plant)
    yield trigger
    trigger.close()
    trigger.close()


def _post(
    http: Http, body: bytes | str, *, path: str = "/trigger", token: str = "letmein"
) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", http.port, timeout=10)
    try:
        connection.request("POST", path, body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_http_trigger(http: Http, plant: Any) -> None:
    wish = {"trigger_id": "T1", "serial": "S1", "lot": "L1", "product": "flange"}
    assert _post(http, json.dumps(wish)) == (202, {"trigger_id": "T1"})
    status, answer = _post(http, "")
    first, second = plant.requests
    assert (first.source, first.serial, first.lot, first.product) == ("http", "S1", "L1", "flange")
    assert (status, answer) == (202, {"trigger_id": second.trigger_id})


def test_http_trigger_brings_what_the_line_measured(http: Http, plant: Any) -> None:
    process = {"torque_nm": 1.25, "cavity": "3", "tool": None, "shots": 7}
    assert _post(http, json.dumps({"process": process}))[0] == 202
    assert dict(plant.requests[0].process) == {"torque_nm": 1.25, "cavity": "3", "shots": 7.0}


@pytest.mark.parametrize(
    ("process", "said"),
    [
        ([1], "process must be a JSON object of at most 32 numbers and texts"),
        ({f"v{i}": i for i in range(33)}, "process must be a JSON object of at most 32 numbers"),
        ({"torque nm": 1}, "process: the name 'torque nm' is not allowed; a letter, then up to 39"),
        ({"": 1}, "process: the name '' is not allowed"),
        ({"ok": True}, "process.ok must be a number or a text, got 'True'"),
        ({"ok": {"deep": 1}}, "process.ok must be a number or a text, got"),
        ({"ok": 10**400}, "process.ok must be a finite number"),
        ({"ok": "x" * 1001}, "process.ok"),
    ],
)
def test_process_values_of_another_form_are_refused(
    process: Any, said: str, http: Http, plant: Any
) -> None:
    status, answer = _post(http, json.dumps({"process": process}))
    assert status == 400
    assert said in answer["error"]
    assert plant.requests == []


def test_a_scanner_s_line_may_bring_process_values(scanner: Any, plant: Any, until: Any) -> None:
    ours, port = scanner
    trigger = _serial(
        port, pattern=r"(?P<serial>\w+);(?P<process_torque>[^;]*)(;(?P<process_tool>.+))?"
    )
    trigger.open(plant)
    try:
        os.write(ours, b"A1;1.5;left\nA2;nan\n")
        until(lambda: len(plant.requests) == 2, "both parts")
    finally:
        trigger.close()
    assert [dict(r.process) for r in plant.requests] == [
        {"torque": 1.5, "tool": "left"},
        {"torque": "nan"},
    ]


def test_http_trigger_sent_again_is_told_which_part_it_was(http: Http, plant: Any) -> None:
    assert _post(http, '{"trigger_id": "T1"}')[0] == 202
    plant.accepts = False
    assert _post(http, '{"trigger_id": "T1"}') == (
        409,
        {
            "error": "trigger_id 'T1' is already taken; its part is number 1",
            "trigger_id": "T1",
            "number": 1,
        },
    )
    assert _post(http, '{"trigger_id": "T2"}')[0] == 503


def test_http_station_not_ready(http: Http, plant: Any) -> None:
    plant.accepts, plant.state = False, "Halted"
    assert _post(http, "{}") == (503, {"error": "the station is not ready", "state": "Halted"})


def test_http_failure_is_an_answer_and_never_the_end(
    http: Http, plant: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def record_fails() -> None:
        raise InspectionError("the record is full")

    def bug() -> None:
        raise ZeroDivisionError("a bug")

    plant.while_triggered = record_fails
    assert _post(http, "{}")[0] == 503
    plant.while_triggered = bug
    for _ in range(20):
        assert _post(http, "{}") == (500, {"error": "unexpected ZeroDivisionError: a bug"})
    plant.while_triggered = lambda: None
    assert _post(http, "{}")[0] == 202
    http.check()
    assert len(caplog.records) <= 2
    assert capfd.readouterr() == ("", "")


def test_no_request_without_the_token_ends_the_http_trigger(http: Http, plant: Any) -> None:
    for length, status in (("9" * 4301, 413), ("-5", 413), ("\u0663", 413), ("99999999", 413)):
        assert _raw(http, f"POST /trigger HTTP/1.1\r\nContent-Length: {length}\r\n\r\n") == status
    assert _raw(http, "POST /trigger HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == 413
    assert _post(http, "[" * 1100, token="wrong")[0] == 401
    http.check()
    assert _post(http, "[" * 1100)[0] == 400
    assert _post(http, json.dumps({"serial": "x" * 1001}))[0] == 400
    assert (_post(http, "{}")[0], len(plant.requests)) == (202, 1)
    http.check()


def _raw(http: Http, text: str) -> int:
    with socket.create_connection(("127.0.0.1", http.port), 10) as line:
        line.sendall(text.encode())
        return int(line.recv(4096).split()[1])


@pytest.mark.parametrize(
    "body", ["[]", "{", '{"a": "b"}', '{"serial": 1}', '{"serial": ""}', b"\xff"]
)
def test_http_what_is_no_trigger(http: Http, plant: Any, body: Any) -> None:
    assert _post(http, body)[0] == 400
    assert plant.requests == []


def test_http_token_path_and_size(http: Http, plant: Any) -> None:
    assert _post(http, "{}", token="wrong")[0] == 401
    assert _post(http, "{}", path="/other")[0] == 404
    assert _post(http, b" " * 5000)[0] == 413
    assert plant.requests == []


def test_http_that_cannot_open_is_one_line(http: Http, plant: Any, tmp_path: Path) -> None:
    with pytest.raises(TriggerUnavailable) as caught:
        Http(port=http.port).open(plant)
    assert f"cannot listen on 127.0.0.1:{http.port}" in str(caught.value)
    with pytest.raises(TriggerUnavailable, match="none"):
        Http(token_file=tmp_path / "none").open(plant)


@pytest.fixture
def scanner() -> Iterator[tuple[int, str]]:
    """Give a scanner: the end it writes to, and the name of its port."""
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def _serial(port: str, **settings: Any) -> Any:
    kind = trigger_class("serial_line")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    return kind(port=port, **settings)


def test_each_line_of_a_scanner_is_a_trigger(scanner: Any, plant: Any, until: Any) -> None:
    ours, port = scanner
    trigger = _serial(port)
    trigger.open(plant)
    try:
        for piece in (b"A-", b"17\r\n", b"\r\nB-2\rC"):
            os.write(ours, piece)
        until(lambda: len(plant.requests) == 2, "two triggers")
        os.write(ours, b"-3\n")
        until(lambda: len(plant.requests) == 3, "the third")
    finally:
        trigger.close()
    assert [request.serial for request in plant.requests] == ["A-17", "B-2", "C-3"]
    assert plant.requests[0].source == "serial_line"


def test_pattern_finds_the_pieces(scanner: Any, plant: Any, until: Any) -> None:
    ours, port = scanner
    trigger = _serial(port, pattern=r"(?P<product>[a-z]+);(?P<lot>\d+);(?P<serial>\d+)")
    trigger.open(plant)
    try:
        os.write(ours, b"noise\nflange;77;123\n" + b"x" * 5000 + b"\n")
        until(lambda: plant.requests and trigger.refused >= 2, "trigger and refusals")
    finally:
        trigger.close()
    (request,) = plant.requests
    assert (request.product, request.lot, request.serial) == ("flange", "77", "123")


def test_scanner_settings_that_cannot_be(plant: Any, tmp_path: Path) -> None:
    with pytest.raises(TriggerUnavailable, match="port .*none"):
        _serial(str(tmp_path / "none")).open(plant)
    with pytest.raises(TriggerUnavailable, match="allowed: serial, lot, product"):
        _serial("x", pattern="(?P<colour>.)").open(plant)


def test_plc_simulator_gets_answers(plant: Any, port: int, until: Any, make: Any) -> None:
    kind: Any = output_class("modbus_server")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    simulator: Any = trigger_class("plc_simulator")(port=port, period_s=0.01)  # type: ignore[call-arg]
    with kind(port=port) as output:
        accept = plant.trigger

        def answered(request: Any) -> bool:
            taken = accept(request)
            output.send(make(1, trigger_id=request.trigger_id, verdict=Verdict.PASS))
            return bool(taken)

        plant.trigger = answered
        output.open(plant)
        simulator.open(plant)
        try:
            until(lambda: len(simulator.answers) >= 3, "three answers")
        finally:
            simulator.close()
    assert [(a.sequence, a.code) for a in simulator.answers[:3]] == [(1, 1), (2, 1), (3, 1)]
