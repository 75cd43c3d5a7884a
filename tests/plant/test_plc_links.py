"""The handshake every PLC link keeps: one trigger, one result, never an old one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.plant.outputs import Output, OutputError, OutputUnavailable, output_class
from inspection.plant.outputs._plc_handshake import Handshake, PlcRegisters

READY, BUSY, VALID, OK, REJECT, ERROR = range(6)


@pytest.fixture
def link(plc: Any, plant: Any) -> Iterator[Output]:
    with output_class(plc.output)(**plc.settings()) as output:
        output.open(plant)
        plc.connect()
        yield output


def _score(words: list[int]) -> float:
    return float(struct.unpack(">f", struct.pack(">2H", *words[2:4]))[0])


def _sequence(words: list[int]) -> int:
    return words[4] << 16 | words[5]


def _taken(plc: Any, plant: Any, until: Callable[..., Any], count: int = 1) -> Any:
    """Trigger and wait until the station has the trigger and the coil is back."""
    plc.trigger()
    until(lambda: len(plant.requests) == count, "the trigger")
    until(lambda: not plc.flags()[0], "the coil back at 0")
    return plant.requests[-1]


@pytest.mark.parametrize(
    ("verdict", "review", "code", "detail", "ok"),
    [
        (Verdict.PASS, "reject", 1, 1, True),
        (Verdict.FAIL, "pass", 2, 2, False),
        (Verdict.REVIEW, "reject", 2, 3, False),
        (Verdict.REVIEW, "pass", 1, 3, True),
        (Verdict.CANNOT_INSPECT, "pass", 3, 4, False),
    ],
)
def test_trigger_and_result(
    link: Output, plc: Any, plant: Any, make: Any, until: Any, verdict: Any, review: str, code: int,
    detail: int, ok: bool,
) -> None:  # fmt: skip
    plc.identify("A-17", "lot 9")
    request = _taken(plc, plant, until)
    assert (request.source, request.serial, request.lot) == (plc.output, "A-17", "lot 9")
    assert plc.bits()[VALID] is False
    score = None if code == 3 else 2.5
    link.send(
        make(70000, trigger_id=request.trigger_id, verdict=verdict, review=review, score=score)
    )
    until(lambda: plc.bits()[VALID], "the result")
    bits, words = plc.bits(), plc.words()
    assert (bits[OK], bits[REJECT], bits[BUSY]) == (ok, not ok, False)
    assert (words[0], words[1], _sequence(words)) == (code, detail, 1)
    assert _score(words) == (-1.0 if score is None else 2.5)
    assert words[6] << 16 | words[7] == 70000


def test_new_trigger_clears_the_old_verdict_before_it_is_taken(
    link: Output, plc: Any, plant: Any, make: Any, until: Any
) -> None:
    request = _taken(plc, plant, until)
    link.send(make(1, trigger_id=request.trigger_id, verdict=Verdict.PASS))
    until(lambda: plc.bits()[OK], "the first result")
    seen: list[Any] = []
    plant.while_triggered = lambda: seen.append((plc.bits()[VALID], plc.bits()[OK], plc.words()[0]))
    request = _taken(plc, plant, until, 2)
    assert seen == [(False, False, 0)]
    assert (plc.bits()[VALID], plc.words()[0], _sequence(plc.words())) == (False, 0, 2)
    link.send(make(2, trigger_id=request.trigger_id, verdict=Verdict.FAIL))
    until(lambda: plc.bits()[REJECT], "the second result")
    assert plc.words()[0] == 2


def test_late_result_of_an_older_trigger_is_not_shown(
    link: Output, plc: Any, plant: Any, make: Any, until: Any
) -> None:
    old = _taken(plc, plant, until)
    new = _taken(plc, plant, until, 2)
    link.send(make(1, trigger_id=old.trigger_id, verdict=Verdict.PASS))
    until(lambda: plc.words()[12] == 1, "the count of results not shown")
    assert (plc.bits()[VALID], plc.bits()[OK], plc.words()[0]) == (False, False, 0)
    link.send(make(2, trigger_id=new.trigger_id, verdict=Verdict.FAIL))
    until(lambda: plc.bits()[VALID], "the result of the second trigger")
    assert (plc.words()[0], _sequence(plc.words())) == (2, 2)


def test_result_sent_while_the_trigger_is_being_taken_waits_for_the_coil(
    link: Output, plc: Any, plant: Any, make: Any, until: Any
) -> None:
    """A station may judge before its `trigger` returns; the PLC still sees the coil fall first."""

    seen: list[Any] = []
    accept = plant.trigger

    def at_once(request: Any) -> bool:
        taken = accept(request)
        link.send(make(1, trigger_id=request.trigger_id, verdict=Verdict.PASS))
        seen.append((plc.flags()[0], plc.bits()[VALID]))
        return bool(taken)

    plant.trigger = at_once
    plc.trigger()
    until(lambda: plc.bits()[VALID], "the result")
    assert seen == [(True, False)]
    assert (plc.flags()[0], plc.words()[0]) == (False, 1)


def test_refused_trigger_is_a_reject_at_once(
    link: Output, plc: Any, plant: Any, until: Any
) -> None:
    plant.accepts = False
    plc.trigger()
    until(lambda: plc.bits()[VALID], "the refusal")
    words = plc.words()
    assert (words[0], words[1], words[9]) == (3, 4, 5)
    assert plc.bits()[OK:] == [False, True, True]
    assert _sequence(words) == 1
    assert plant.requests == []


def test_trigger_the_record_cannot_take_is_a_reject(
    link: Output, plc: Any, plant: Any, make: Any, until: Any
) -> None:
    taken: list[Any] = []

    def fails(request: Any) -> bool:
        taken.append(request)
        raise InspectionError("the record is full")

    plant.trigger, plant.error_code = fails, 2
    plc.trigger()
    until(lambda: plc.bits()[VALID], "the refusal")
    link.send(make(1, trigger_id=taken[0].trigger_id, verdict=Verdict.PASS))
    until(lambda: plc.words()[12] == 1, "the count of results not shown")
    assert (plc.words()[0], plc.words()[9], plc.bits()[OK]) == (3, 2, False)


def test_no_trigger_of_a_plc_ends_the_link(
    link: Any, plc: Any, plant: Any, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def bug() -> None:
        raise ZeroDivisionError("a bug")

    plant.while_triggered = bug
    plc.trigger()
    until(lambda: plc.bits()[VALID], "the answer")
    assert (plc.words()[0], plc.bits()[OK]) == (3, False)
    until(lambda: link.door.refused == 1, "the count")
    until(lambda: not plc.flags()[0], "the trigger set back")
    plant.while_triggered = lambda: None
    plc.trigger()
    until(lambda: plant.requests, "the next trigger")
    link.check()
    assert f"output {link.name}: refused: unexpected ZeroDivisionError: a bug" in caplog.text


def test_product_is_changed_and_a_wrong_number_refuses(
    link: Output, plc: Any, plant: Any, until: Any
) -> None:
    until(lambda: plc.words()[8] == 1, "the product at the start")
    plc.want(2)
    until(lambda: plc.words()[8] == 2, "the new product")
    assert plant.product == "bracket"
    plc.want(9)
    until(lambda: plc.words()[9] == 4, "the error of a wrong product")
    plc.trigger()
    until(lambda: plc.bits()[VALID], "the refusal")
    assert (plc.words()[0], plant.requests, plant.product) == (3, [], "bracket")
    plc.want(1)
    until(lambda: plc.words()[9] == 0, "the error gone")
    _taken(plc, plant, until)
    assert plant.product == "flange"


def test_state_error_and_heartbeat(link: Output, plc: Any, plant: Any, until: Any) -> None:
    until(lambda: plc.bits()[READY], "ready")
    assert plc.words()[11] == 5
    beat = plc.words()[10]
    until(lambda: plc.words()[10] >= beat + 3, "the heartbeat")
    plant.state, plant.error_code = "Error", 1
    link.state_changed(plant)
    until(lambda: plc.bits()[ERROR], "the error")
    assert (plc.words()[11], plc.words()[9], plc.bits()[READY]) == (3, 1, False)


def test_an_unusual_stream_of_parts_is_told_and_triggers_are_taken(
    link: Output, plc: Any, plant: Any, until: Any
) -> None:
    plant.error_code = 6
    link.state_changed(plant)
    until(lambda: plc.words()[9] == 6, "the code")
    assert plc.words()[11] == 5
    until(lambda: plc.bits()[READY], "ready")
    plant.accepts = False
    plc.trigger()
    until(lambda: plc.bits()[VALID], "the refusal")
    assert plc.words()[9] == 5


def test_code_is_there_before_the_error_flag(
    link: Output, plc: Any, plant: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plc.output == "modbus_server":
        pytest.skip("modbus_server gives flags and registers from one board when it is asked")
    until(lambda: plc.bits()[READY], "ready")
    write, codes = link.write_bits, []  # type: ignore[attr-defined]

    def watched(board: Any) -> None:
        if board.error:
            codes.append((plc.words()[11], plc.words()[9]))
        write(board)

    monkeypatch.setattr(link, "write_bits", watched)
    plant.state, plant.error_code = "Error", 1
    link.state_changed(plant)
    until(lambda: plc.bits()[ERROR], "the error")
    assert codes[0] == (3, 1)


def test_valid_is_taken_away_before_the_registers_change(
    link: Output,
    plc: Any,
    plant: Any,
    make: Any,
    until: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if plc.output == "modbus_server":
        pytest.skip("modbus_server gives flags and registers from one board when it is asked")
    request = _taken(plc, plant, until)
    link.send(make(1, trigger_id=request.trigger_id, verdict=Verdict.PASS))
    until(lambda: plc.bits()[VALID], "the result")
    write, seen = link.write_words, []  # type: ignore[attr-defined]

    def watched(board: Any) -> None:
        if board.code == 0:
            seen.append(plc.bits()[VALID])
        write(board)

    monkeypatch.setattr(link, "write_words", watched)
    plc.reset()
    until(lambda: seen, "the cleared board")
    assert not any(seen)


def test_reset_clears_and_gives_up(
    link: Output, plc: Any, plant: Any, make: Any, until: Any
) -> None:
    request = _taken(plc, plant, until)
    plc.reset()
    until(lambda: not plc.flags()[1], "the reset back at 0")
    until(lambda: plc.bits()[READY], "ready")
    link.send(make(1, trigger_id=request.trigger_id, verdict=Verdict.PASS))
    until(lambda: plc.words()[12] == 1, "the count of results not shown")
    assert plc.bits()[VALID] is False


def test_part_triggered_elsewhere_is_shown(link: Output, plc: Any, make: Any, until: Any) -> None:
    for number in (1, 2):
        link.send(make(number, verdict=Verdict.FAIL))
        until(lambda number=number: _sequence(plc.words()) == number, "the result")
        assert (plc.words()[0], plc.bits()[REJECT]) == (2, True)


def test_plc_that_goes_away_and_comes_back(
    link: Output, plc: Any, plant: Any, make: Any, until: Any
) -> None:
    if plc.output == "modbus_server":
        pytest.skip("modbus_server is the server: a PLC that went away is the test below")
    first = _taken(plc, plant, until)
    plc.stop()
    with pytest.raises(OutputError, match=str(plc.port)):
        link.send(make(1, trigger_id=first.trigger_id, verdict=Verdict.PASS))
    plc.start()
    plc.connect()
    until(lambda: plc.words()[11] == 5, "the board after the connection")
    assert (plc.bits()[VALID], plc.bits()[OK], plc.words()[0]) == (False, False, 0)
    second = _taken(plc, plant, until, 2)
    link.send(make(2, trigger_id=second.trigger_id, verdict=Verdict.PASS))
    until(lambda: plc.bits()[VALID], "the result")
    assert plc.words()[0] == 1


def test_no_plc_at_opening_is_one_line(plant: Any, port: int) -> None:
    for name in ("modbus_client", "s7"):
        kind = output_class(name)
        if (missing := kind.missing()) is not None:
            pytest.skip(missing)
        with pytest.raises(OutputUnavailable) as caught, kind(host="127.0.0.1", port=port) as link:
            link.open(plant)
        text = str(caught.value)
        assert text.startswith(f"output {name}: no ")
        assert f"127.0.0.1:{port}" in text
        assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("modbus_client", {"first_register": 40}),
        ("modbus_client", {"first_coil": 100}),
        ("s7", {"db": 6}),
        ("s7", {"start": 1}),
    ],
)
def test_map_that_is_not_in_the_plc_is_one_line_at_opening(
    plc_kinds: Any, plant: Any, name: str, wrong: dict[str, Any]
) -> None:
    kind = output_class(name)
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    peer = {kind.output: kind for kind in plc_kinds}[name]()
    peer.start()
    try:
        with kind(**(peer.settings() | wrong)) as link:
            with pytest.raises(OutputUnavailable) as caught:
                link.open(plant)
            assert str(caught.value).startswith(f"output {name}: ")
            assert "\n" not in str(caught.value)
    finally:
        peer.stop()


def test_what_an_earlier_run_left_is_cleared_at_opening(
    plc: Any, plant: Any, make: Any, until: Any
) -> None:
    kind = output_class(plc.output)
    for run in (1, 2):
        with kind(**plc.settings()) as link:
            link.open(plant)
            plc.connect()
            assert (plc.bits()[VALID], plc.bits()[OK], plc.words()[0]) == (False, False, 0)
            request = _taken(plc, plant, until, run)
            link.send(make(run, trigger_id=request.trigger_id, verdict=Verdict.PASS))
            until(lambda: plc.bits()[VALID] and plc.bits()[OK], "the result")


def test_server_whose_plc_went_away_fails_aloud(
    plant: Any, make: Any, until: Any, port: int
) -> None:
    kind = output_class("modbus_server")
    with kind(port=port, plc_timeout_s=0.01) as link:
        link.open(plant)

        def silent() -> bool:
            try:
                link.send(make())
            except OutputError as error:
                return "no PLC has read" in str(error)
            return False

        until(silent, "the error")


def test_second_server_on_a_port_is_one_line(plant: Any, port: int) -> None:
    kind = output_class("modbus_server")
    with kind(port=port) as first:
        first.open(plant)
        with pytest.raises(OutputUnavailable) as caught, kind(port=port) as second:
            second.open(plant)
    assert f"cannot listen on 127.0.0.1:{port}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_word_order_and_wrapping() -> None:
    board = PlcRegisters(sequence=0x12345678, score=1.0, number=0xABCD0001)
    assert board.words()[2:8] == [0x3F80, 0, 0x1234, 0x5678, 0xABCD, 1]
    assert board.words("little")[2:8] == [0, 0x3F80, 0x5678, 0x1234, 1, 0xABCD]
    handshake = Handshake("test")
    handshake.registers = PlcRegisters(sequence=2**32 - 1)
    handshake.begin()
    assert handshake.registers.sequence == 0


def test_score_beyond_32_bits_is_kept_in_range(make: Any) -> None:
    handshake = Handshake("test")
    assert handshake.show(make(score=1e300))
    assert handshake.registers.words()[2:4] == [0x7F7F, 0xFFFF]
