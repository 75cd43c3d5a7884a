"""MQTT against a real broker: acknowledgement, last will, triggers once, restart of the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from inspection.plant.outputs import Output, OutputError, output_class


@pytest.fixture
def mqtt(broker: Any, plant: Any) -> Iterator[Output]:
    kind = output_class("mqtt")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    with kind(
        host="127.0.0.1", port=broker.port, topic="line/4", timeout_s=2.0, reconnect_s=1
    ) as output:
        output.open(plant)
        yield output


def _texts(listener: Any, topic: str) -> list[str]:
    return [text for seen, text, _ in listener.messages if seen == topic]


def _say(listener: Any, topic: str, text: str, *, retain: bool = False) -> None:
    listener.publish(topic, text, qos=1, retain=retain).wait_for_publish(10)


def test_result_status_and_state(
    listener: Any, mqtt: Any, plant: Any, make: Any, until: Any
) -> None:
    mqtt.send(make(3))
    until(lambda: _texts(listener, "line/4/results"), "the result")
    found = json.loads(_texts(listener, "line/4/results")[0])
    assert found["delivery_id"] == "part-3"
    assert (found["verdict"], found["reject"], found["score"]) == ("FAIL", True, 2.5)
    assert found["regions"][0]["peak_score"] == 9.5
    assert _texts(listener, "line/4/status") == ["online"]
    plant.state, plant.error_code = "Halted", 3
    mqtt.state_changed(plant)
    until(lambda: len(_texts(listener, "line/4/state")) == 2, "the state")
    assert json.loads(_texts(listener, "line/4/state")[1]) == {
        "station": "press 4", "state": "Halted", "product": "flange", "error_code": 3,
    }  # fmt: skip
    mqtt.close()
    until(lambda: _texts(listener, "line/4/status") == ["online", "offline"], "offline")


def test_what_the_stream_of_parts_shows_is_published(listener: Any, mqtt: Any, until: Any) -> None:
    event = {"station": "press 4", "part_id": "part-3", "text": "cusum: brightness is low"}
    mqtt.event_raised(event)
    until(lambda: _texts(listener, "line/4/event"), "the event")
    assert [json.loads(text) for text in _texts(listener, "line/4/event")] == [event]


def test_last_will_says_offline(listener: Any, mqtt: Any, until: Any) -> None:
    until(lambda: _texts(listener, "line/4/status") == ["online"], "online")
    mqtt._client.socket().shutdown(2)  # the line is cut; paho connects again by itself
    until(lambda: "offline" in _texts(listener, "line/4/status"), "the last will")
    until(lambda: _texts(listener, "line/4/status")[-1] == "online", "online again")


def test_trigger_with_an_id_is_taken_once(listener: Any, mqtt: Any, plant: Any, until: Any) -> None:
    wish = {"trigger_id": "T1", "serial": "S1", "lot": "L1", "product": "flange"}
    for _ in range(3):
        _say(listener, "line/4/trigger", json.dumps(wish))
    _say(listener, "line/4/trigger", "")
    until(lambda: len(plant.requests) == 2, "the triggers")
    first, second = plant.requests
    assert (first.trigger_id, first.serial, first.lot) == ("T1", "S1", "L1")
    assert (first.source, first.product, second.serial) == ("mqtt", "flange", None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1]", "a trigger must be a JSON object"),
        ("{", "not JSON"),
        ('{"serail": "S1"}', "a trigger must be a JSON object"),
        ('{"serial": 5}', "a trigger must be a JSON object"),
        ('{"lot": ""}', "a trigger must be a JSON object"),
        ("[" * 1100, "not JSON (nested deeper than 32 levels)"),
        ('{"serial": "' + "x" * 20_000 + '"}', "20014 bytes, at most 16384 are allowed"),
        ('{"serial": "' + "x" * 1001 + '"}', "serial: 1001 characters, at most 1000 are allowed"),
    ],
)
def test_what_is_no_trigger_is_refused_once_and_for_all(
    listener: Any, mqtt: Any, plant: Any, until: Any, text: str, why: str
) -> None:
    _say(listener, "line/4/trigger", text)
    until(lambda: _texts(listener, "line/4/refused"), "the refusal")
    reason = json.loads(_texts(listener, "line/4/refused")[0])["reason"]
    assert reason.startswith(why)
    mqtt.check()
    mqtt.close()
    mqtt.open(plant)  # the broker does not send it again
    _say(listener, "line/4/trigger", '{"serial": "S2"}')
    until(lambda: plant.requests, "the next trigger")
    assert [request.serial for request in plant.requests] == ["S2"]
    assert len(_texts(listener, "line/4/refused")) == 1


def test_the_library_s_thread_is_started_again_when_it_ended(
    listener: Any, mqtt: Any, plant: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.excepthook", lambda told: None)
    monkeypatch.setattr(mqtt._client, "_loop", lambda timeout: 1 / 0)  # as a malformed packet does
    until(lambda: not mqtt._network.is_alive(), "the end of its thread")
    monkeypatch.undo()
    mqtt.check()
    assert mqtt.door.refused == 1
    until(mqtt._client.is_connected, "the connection")
    _say(listener, "line/4/trigger", '{"serial": "S3"}')
    until(lambda: plant.requests, "the trigger")


def test_trigger_not_taken_is_told(listener: Any, mqtt: Any, plant: Any, until: Any) -> None:
    plant.accepts, plant.state = False, "Halted"
    _say(listener, "line/4/trigger", '{"trigger_id": "T1"}')
    until(lambda: _texts(listener, "line/4/refused"), "the refusal")
    assert json.loads(_texts(listener, "line/4/refused")[0]) == {
        "trigger_id": "T1", "reason": "the station is not ready, it is Halted",
    }  # fmt: skip
    plant.accepts = True
    _say(listener, "line/4/trigger", '{"trigger_id": "T1"}')
    until(lambda: [r.trigger_id for r in plant.requests] == ["T1"], "the second try")


def test_trigger_sent_again_is_told_which_part_it_was(
    listener: Any, mqtt: Any, plant: Any, until: Any
) -> None:
    _say(listener, "line/4/trigger", '{"trigger_id": "T1"}')
    until(lambda: plant.requests, "the trigger")
    plant.accepts = False
    _say(listener, "line/4/trigger", '{"trigger_id": "T1"}')
    until(lambda: _texts(listener, "line/4/refused"), "the refusal")
    assert json.loads(_texts(listener, "line/4/refused")[0]) == {
        "trigger_id": "T1", "number": 1,
        "reason": "trigger_id 'T1' is already taken; its part is number 1",
    }  # fmt: skip


def test_product_is_changed(listener: Any, mqtt: Any, plant: Any, until: Any) -> None:
    _say(listener, "line/4/product", "bracket")
    until(lambda: plant.product == "bracket", "the product")
    _say(listener, "line/4/product", "wheel")
    until(lambda: _texts(listener, "line/4/refused"), "the refusal")
    refused = json.loads(_texts(listener, "line/4/refused")[0])
    assert refused == {"product": "wheel", "reason": "product 'wheel' has no recipe"}


@pytest.mark.slow
def test_broker_restart_loses_and_doubles_nothing(
    listener: Any, mqtt: Any, broker: Any, plant: Any, make: Any, until: Any
) -> None:
    mqtt.send(make(1))
    until(lambda: len(_texts(listener, "line/4/results")) == 1, "the first result")
    broker.stop()
    until(lambda: not mqtt._client.is_connected(), "the loss of the connection")
    for _ in range(2):
        with pytest.raises(OutputError, match="no connection to broker"):
            mqtt.send(make(2))
    listener.subscribed.clear()
    broker.start()
    until(mqtt._client.is_connected, "the connection")
    until(listener.subscribed.is_set, "the listener")
    mqtt.send(make(2))
    mqtt.send(make(3))
    until(lambda: len(_texts(listener, "line/4/results")) == 3, "the results")
    found = [json.loads(text)["delivery_id"] for text in _texts(listener, "line/4/results")]
    assert found == ["part-1", "part-2", "part-3"]
    _say(listener, "line/4/trigger", '{"trigger_id": "T9"}')
    until(lambda: [r.trigger_id for r in plant.requests] == ["T9"], "a trigger after the restart")


def test_slow_acknowledgement_does_not_double_a_result(
    listener: Any, mqtt: Any, broker: Any, make: Any, until: Any
) -> None:
    broker.freeze(on=True)
    try:
        with pytest.raises(OutputError, match="did not acknowledge part-1 within 2 s"):
            mqtt.send(make(1))
    finally:
        broker.freeze(on=False)
    mqtt.send(make(1))
    mqtt.send(make(2))
    until(lambda: len(_texts(listener, "line/4/results")) >= 2, "the results")
    found = [json.loads(text)["delivery_id"] for text in _texts(listener, "line/4/results")]
    assert found == ["part-1", "part-2"]


def test_trigger_sent_while_the_station_was_away_comes_later(
    listener: Any, mqtt: Any, broker: Any, plant: Any, until: Any
) -> None:
    mqtt.close()
    _say(listener, "line/4/trigger", '{"trigger_id": "T5"}')
    assert plant.requests == []
    mqtt.open(plant)
    until(lambda: [r.trigger_id for r in plant.requests] == ["T5"], "the trigger")


def test_retained_trigger_is_not_taken(listener: Any, mqtt: Any, plant: Any, until: Any) -> None:
    mqtt.close()
    mqtt.open(plant)
    mqtt.close()
    _say(listener, "line/4/trigger", '{"trigger_id": "T6"}', retain=True)
    mqtt.open(plant)
    until(lambda: _texts(listener, "line/4/refused"), "the refusal of the retained one")
    until(lambda: plant.requests, "the same message, which the broker kept for the session")
    assert [request.trigger_id for request in plant.requests] == ["T6"]
    _say(listener, "line/4/trigger", "", retain=True)
