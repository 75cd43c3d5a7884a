"""MQTT: results, status and state to a broker; triggers and product changes from it."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Lock
from typing import Any

from inspection.errors import InspectionError
from inspection.outside import Door, TooLarge, check_text, in_words
from inspection.plant.extras import missing_extra, require
from inspection.plant.messages import InspectionResult, StationInterface, TriggerRequest
from inspection.plant.outputs.base import Output, OutputError, OutputUnavailable
from inspection.plant.part_fields import LARGEST_BYTES, part_fields
from inspection.plant.worker import Worker

N_REMEMBERED = 10_000
N_WAITING = 1000


class Mqtt(Output):
    """Publishes each result with QoS 1 and takes triggers from an MQTT broker.

    The session is kept by the broker, so that messages sent while the station was away arrive later.
    A trigger is acknowledged to the broker after the station took it. A result the broker did not
    acknowledge in time is not published a second time while the first is still on its way.
    """

    name = "mqtt"
    queued = True

    def __init__(
        self,
        *,
        host: str,
        topic: str,
        port: int = 1883,
        client_id: str = "",
        username: str = "",
        password_file: Path | None = None,
        ca_file: Path | None = None,
        timeout_s: float = 5.0,
        keepalive_s: int = 15,
        reconnect_s: int = 5,
    ) -> None:
        self.host, self.port, self.topic, self.client_id = host, port, topic, client_id
        self.username, self.password_file, self.ca_file = username, password_file, ca_file
        self.timeout_s, self.keepalive_s, self.reconnect_s = timeout_s, keepalive_s, reconnect_s
        self.door = Door(f"output {self.name}")
        self._client: Any = None

    @classmethod
    def missing(cls) -> str | None:
        """How to install paho-mqtt, or None."""
        return missing_extra("mqtt", "paho")

    def open(self, station: StationInterface) -> None:
        """Connect to the broker. Raises OutputUnavailable when it does not answer in time."""
        require(self)
        self._station = station
        self._unacknowledged: dict[str, Any] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._messages: Queue[Any] = Queue(N_WAITING)
        self._ready, self._refusal = Event(), ""
        self._lock = Lock()
        self._worker = Worker(f"output {self.name}", self._work)
        self._connect()
        self._worker.start()
        if not self._ready.wait(self.timeout_s):
            self.close()
            raise OutputUnavailable(
                f"output {self.name}: broker {self.host}:{self.port} did not let us in within "
                f"{self.timeout_s:g} s{self._refusal}; check host, port and credentials"
            )

    def check(self) -> None:
        """Raise OutputError if the thread that takes messages ended; see that the library's goes on."""
        if self._client is None:
            return
        self._worker.check()
        with self._lock:
            if self._client is None or self._network.is_alive():
                return
            self._unacknowledged.clear()  # they are published again, by the same delivery_id
            self._connect()
        self.door.refuse("the connection's thread ended; another is started")

    def send(self, result: InspectionResult) -> None:
        """Publish the result and wait for the broker's acknowledgement. Raises OutputError."""
        if self._client is None:
            raise OutputError(f"output {self.name} is closed; open it before sending")
        self._worker.check()
        info = self._unacknowledged.get(result.delivery_id)
        if info is None:
            info = self._publish_result(result)
        if not self._acknowledged(info):
            raise OutputError(
                f"output {self.name}: broker {self.host}:{self.port} did not acknowledge "
                f"{result.delivery_id} within {self.timeout_s:g} s; it is sent again when it is back"
            )
        self._unacknowledged.pop(result.delivery_id, None)

    def state_changed(self, station: StationInterface) -> None:
        """Publish state, product and error, retained."""
        if self._client is not None and self._client.is_connected():
            self._publish_state(station)

    def event_raised(self, event: Mapping[str, Any]) -> None:
        """Publish what the stream of parts shows."""
        if self._client is not None and self._client.is_connected():
            self._client.publish(f"{self.topic}/event", json.dumps(event), qos=1)

    def close(self) -> None:
        """Publish that the station is offline, then let the broker go."""
        if self._client is None:
            return
        with self._lock:
            client, self._client = self._client, None
        if client is None:
            return
        if client.is_connected():
            info = client.publish(f"{self.topic}/status", "offline", qos=1, retain=True)
            self._acknowledged(info)
        client.disconnect()
        client.loop_stop()
        self._worker.stop()

    def _connect(self) -> None:
        self._client = client = self._make_client(self._station)
        client.connect_async(self.host, self.port, self.keepalive_s)
        client.loop_start()
        # The library names its thread, and keeps it to itself.
        name = f"paho-mqtt-client-{client._client_id.decode()}"
        threads = threading.enumerate()
        self._network = next((each for each in threads if each.name == name), threads[0])

    def _make_client(self, station: StationInterface) -> Any:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id or f"inspection-{station.station}",
            clean_session=False,
            manual_ack=True,
        )
        client.will_set(f"{self.topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(min_delay=1, max_delay=max(1, self.reconnect_s))
        client.on_connect, client.on_message = self._connected, self._arrived
        client.on_subscribe = self._subscribed
        try:
            if self.username:
                client.username_pw_set(self.username, _secret(self.password_file))
            if self.ca_file:
                client.tls_set(str(self.ca_file))
        except OSError as error:
            raise OutputUnavailable(f"output {self.name}: {error}") from error
        return client

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._refusal = f" ({reason})"
            return
        client.subscribe([(f"{self.topic}/trigger", 1), (f"{self.topic}/product", 1)])
        client.publish(f"{self.topic}/status", "online", qos=1, retain=True)
        self._publish_state(self._station)

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: Any, _more: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refusal = " (it refused our subscription)"
        else:
            self._ready.set()

    def _arrived(self, client: Any, _data: Any, message: Any) -> None:
        try:
            if len(message.payload) > LARGEST_BYTES:
                raise TooLarge(f"{len(message.payload)} bytes, at most {LARGEST_BYTES} are allowed")
            self._messages.put_nowait(message)
        except (Full, TooLarge) as error:
            why = str(error) or "too many messages wait"
            self._refuse(why, {})
            self.door.refuse(why)
            client.ack(message.mid, message.qos)

    def _work(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                message = self._messages.get(timeout=0.1)
            except Empty:
                continue
            self.door.attempt(
                partial(self._take_in, message),
                refused=lambda error: self._refuse(in_words(error), {}),
            )
            client = self._client
            if client is not None:
                client.ack(message.mid, message.qos)

    def _take_in(self, message: Any) -> None:
        if message.topic.endswith("/product"):
            self._change_product(message)
        else:
            self._trigger(message)

    def _trigger(self, message: Any) -> None:
        fields = part_fields(message.payload)
        if message.retain:
            self._refuse(
                "a retained trigger is not taken: it would fire at each connection", fields
            )
            return
        trigger_id = fields.get("trigger_id")
        if message.dup and trigger_id in self._seen:  # the broker only did not hear our word for it
            return
        if not self._take(TriggerRequest(source=self.name, **fields)):
            taken = None if trigger_id is None else self._station.taken_before(trigger_id)
            if taken is not None:
                self._refuse(taken.sentence, {**fields, "number": taken.number})
                return
            self._refuse(f"the station is not ready, it is {self._station.state}", fields)
        elif trigger_id is not None:
            self._remember(trigger_id)

    def _take(self, request: TriggerRequest) -> bool:
        try:
            return self._station.trigger(request)
        except InspectionError:
            return False

    def _remember(self, trigger_id: str) -> None:
        self._seen[trigger_id] = None
        if len(self._seen) > N_REMEMBERED:
            self._seen.popitem(last=False)

    def _change_product(self, message: Any) -> None:
        product = message.payload.decode("utf-8", "replace").strip()
        check_text("product", product)
        try:
            self._station.change_product(product)
        except InspectionError as error:
            self._refuse(str(error), {"product": product})

    def _refuse(self, reason: str, fields: dict[str, Any]) -> None:
        client = self._client
        if client is not None:
            text = json.dumps({**fields, "reason": reason})
            client.publish(f"{self.topic}/refused", text, qos=1)

    def _publish_result(self, result: InspectionResult) -> Any:
        if not self._client.is_connected():
            raise OutputError(
                f"output {self.name}: no connection to broker {self.host}:{self.port}; "
                "it is tried again by itself"
            )
        text = json.dumps(result.as_json())
        info = self._client.publish(f"{self.topic}/results", text, qos=1)
        self._unacknowledged[result.delivery_id] = info
        return info

    def _publish_state(self, station: StationInterface) -> None:
        state = {
            "station": station.station,
            "state": station.state,
            "product": station.product,
            "error_code": station.error_code,
        }
        self._client.publish(f"{self.topic}/state", json.dumps(state), qos=1, retain=True)

    def _acknowledged(self, info: Any) -> bool:
        try:
            info.wait_for_publish(self.timeout_s)
        except (RuntimeError, ValueError):  # paho: lost the connection meanwhile, or queue full
            return False
        return bool(info.is_published())


def _secret(path: Path | None) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path else None
