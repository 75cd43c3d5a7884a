"""OPC UA: a server in the words of OPC 40100-1 Machine Vision (a subset, listed in the manual)."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.outside import Door, check_text, in_words
from inspection.plant.extras import missing_extra, require
from inspection.plant.messages import InspectionResult, StationInterface, TriggerRequest
from inspection.plant.outputs.base import Output, OutputError, OutputUnavailable
from inspection.plant.part_fields import PROCESS, check_request, process_of_texts
from inspection.plant.worker import LoopThread
from inspection.ports.connections import Connections
from inspection.ports.loop import BoundedLoop

IDLE_S = 600.0
"""A client that has said nothing for so long is gone; sessions are kept alive far more often."""
MOST_BYTES = 1 << 20
"""Of one message to the server; a job's parameters have some hundred."""
OF_PROCESS = f"{PROCESS}."
"""What a job's parameter begins with that is a process value: process.torque=1.2."""
NAMESPACE = "http://opcfoundation.org/UA/MachineVision"
OURS = "urn:inspection:station"
NODESET = "_opc40100.xml"

# Numeric node ids of the types in the nodeset of OPC 40100-1, version 1.0.0 of 2019-07-11.
VISION_SYSTEM, STATE_MACHINE, AUTOMATIC_MODE, RECIPE_MANAGEMENT = 1003, 1017, 1021, 1004
RESULT_READY, JOB_STARTED, RECIPE_PREPARED = 1024, 1013, 1022

JUDGED, NOT_JUDGED = 1, 3
"""ResultState: 1 completed, 3 aborted."""

DONE, NOT_READY, NOT_PREPARED, NO_SUCH_RECIPE, NOT_SUPPORTED = 0, 1, 2, 3, 4
"""What methods answer as `Error`."""


class OpcUa(Output):
    """Serves the station as a VisionSystem: methods start jobs, an event brings each result.

    The event goes to whoever is subscribed at that moment; nothing tells whether somebody is, so a
    reject that must not be missed belongs on a PLC's link. `LastResult` holds the last one as JSON.
    """

    name = "opcua"

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 4840, timeout_s: float = 5.0
    ) -> None:
        self.host, self.port, self.timeout_s = host, port, timeout_s
        self.door = Door(f"output {self.name}")
        self._loop: LoopThread | None = None

    @classmethod
    def missing(cls) -> str | None:
        """How to install asyncua, or None."""
        return missing_extra("opcua", "asyncua")

    def open(self, station: StationInterface) -> None:
        """Build the nodes and listen. Raises OutputUnavailable when the port cannot be had."""
        require(self)
        self._station = station
        self.connections = Connections(idle_s=IDLE_S)
        bounded = BoundedLoop(self.door, self.connections, waiting=lambda each: len(each._buffer))
        loop = LoopThread(f"output {self.name}", loop=bounded)
        try:
            loop.run(self._start(), timeout_s=60.0)
        except (OSError, TimeoutError) as error:
            loop.stop()
            raise OutputUnavailable(
                f"output {self.name}: cannot listen on {self.host}:{self.port}: "
                f"{error or 'not started within 60 s'}; choose a free port of this computer"
            ) from error
        self._loop = loop
        self.state_changed(station)

    def send(self, result: InspectionResult) -> None:
        """Raise ResultReadyEvent and write LastResult. Raises OutputError."""
        self._run(self._publish(result))

    def state_changed(self, station: StationInterface) -> None:
        """Write the state to both state machines."""
        if self._loop is not None:
            self._run(self._write_state(station.state))

    def check(self) -> None:
        """Raise OutputError if the server's thread ended by itself."""
        if (loop := self._loop) is not None:
            loop.check()

    def close(self) -> None:
        """Stop the server; clients are disconnected."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.finish(self.name, self._server.stop(), timeout_s=self.timeout_s + 5.0)

    def _run(self, work: Any) -> None:
        if self._loop is None:
            work.close()
            raise OutputError(f"output {self.name} is closed; open it before sending")
        try:
            self._loop.run(work, timeout_s=self.timeout_s)
        except TimeoutError as error:
            raise OutputError(
                f"output {self.name}: its server did not take it within {self.timeout_s:g} s"
            ) from error

    async def _start(self) -> None:
        from asyncua import ua
        from asyncua.server.server import Server

        self._server = Server()
        await self._server.init()
        self._server.limits.max_message_size = MOST_BYTES
        self._server.limits.max_chunk_count = MOST_BYTES // self._server.limits.max_recv_buffer
        self._server.set_endpoint(f"opc.tcp://{self.host}:{self.port}")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        self._server.set_identity_tokens([ua.AnonymousIdentityToken])
        self._server.set_server_name(f"inspection {self._station.station}")
        with as_file(files("inspection.plant.outputs") / NODESET) as path:
            await self._server.import_xml(str(path))
        self._vision = await self._server.get_namespace_index(NAMESPACE)
        self._ours = await self._server.register_namespace(OURS)
        await self._build()
        await self._server.start()

    async def _build(self) -> None:
        self._system = await self._object(
            self._server.nodes.objects, VISION_SYSTEM, self._station.station, self._ours
        )
        self._machine = await self._system.get_child(f"{self._vision}:VisionStateMachine")
        self._automatic = await self._object(
            self._machine, AUTOMATIC_MODE, "AutomaticModeStateMachine"
        )
        self._recipes = await self._object(self._system, RECIPE_MANAGEMENT, "RecipeManagement")
        self._states = {
            **await self._state_nodes(STATE_MACHINE, "Preoperational Halted Error Operational"),
            **await self._state_nodes(AUTOMATIC_MODE, "Initialized Ready SingleExecution"),
        }
        await self._link_methods()
        await self._add_variables()
        self._events = {
            kind: await self._server.get_event_generator(self._type(kind), self._system)
            for kind in (RESULT_READY, JOB_STARTED, RECIPE_PREPARED)
        }

    async def _object(self, parent: Any, kind: int, name: str, place: int | None = None) -> Any:
        from asyncua import ua

        place = self._vision if place is None else place
        is_root = parent == self._server.nodes.objects
        node = name if is_root else f"{parent.nodeid.Identifier}.{name}"
        browse = ua.QualifiedName(name, place)
        return await parent.add_object(
            self._node_id(node, self._ours),
            browse,
            objecttype=self._type(kind).nodeid,
            instantiate_optional=False,
        )

    def _type(self, number: int) -> Any:
        return self._server.get_node(self._node_id(number, self._vision))

    @staticmethod
    def _node_id(identifier: Any, namespace: Any) -> Any:
        from asyncua import ua

        return ua.NodeId(identifier, namespace)

    async def _state_nodes(self, kind: int, names: str) -> dict[str, Any]:
        return {
            name: await self._type(kind).get_child(f"{self._vision}:{name}")
            for name in names.split()
        }

    async def _link_methods(self) -> None:
        handlers = {
            "StartSingleJob": self._start_single_job,
            "PrepareRecipe": self._prepare_recipe,
            "Stop": self._stop,
            "Abort": self._stop,
            "Reset": self._reset,
        }
        for parent in (self._machine, self._automatic, self._recipes):
            for method in await parent.get_methods():
                name = (await method.read_browse_name()).Name
                handler: Any = handlers.get(name, _not_supported)
                self._server.link_method(method, handler)

    async def _add_variables(self) -> None:
        """Add what clients without methods or events need; PartId and Lot go with the next Trigger."""
        add = self._system.add_variable
        self._last = await add(self._ours, "LastResult", "")
        next_part = {name: await add(self._ours, name, "") for name in ("PartId", "Lot")}
        trigger = await add(self._ours, "Trigger", False)
        self._refused = await add(self._ours, "Refused", 0)
        for node in (*next_part.values(), trigger):
            await node.set_writable()
        self._next_part, self._trigger = next_part, trigger
        subscription = await self._server.create_subscription(20, self)
        await subscription.subscribe_data_change(trigger)

    async def datachange_notification(self, _node: Any, value: bool, _data: Any) -> None:
        """Take the trigger variable: called by the OPC UA library."""
        if value is not True:
            return
        try:
            serial = _text(await self._next_part["PartId"].read_value())
            lot = _text(await self._next_part["Lot"].read_value())
            taken = await self._take(TriggerRequest(source=self.name, serial=serial, lot=lot))
        except Exception as error:  # what a client wrote never ends the server
            self.door.refuse(in_words(error))
            taken = False
        if not taken:
            await self._refused.write_value(await self._refused.read_value() + 1)
        await self._trigger.write_value(False)

    async def _take(self, request: TriggerRequest) -> bool:
        try:
            check_request(request)
            taken = await asyncio.to_thread(self._station.trigger, request)
        except InspectionError:
            return False
        if taken:
            await self._raise(JOB_STARTED, {"JobId": _id("JobIdDataType", request.trigger_id)})
        return taken

    async def _start_single_job(
        self, _parent: Any, _meas: Any, part: Any, recipe: Any, product: Any, parameters: Any
    ) -> Any:
        from asyncua import ua

        product = _text_id(recipe) or _text_id(product)
        given = _parameters(parameters.Value)
        request = TriggerRequest(
            source=self.name,
            serial=_text_id(part),
            lot=given.get("lot"),
            product=product,
            process=process_of_texts(given, prefix=OF_PROCESS),
        )
        error = DONE
        if product is not None and product != self._station.product:
            error = NOT_PREPARED
        elif not await self._take(request):
            error = NOT_READY
        job = _id("JobIdDataType", "" if error else request.trigger_id)
        return [job, ua.Variant(error, ua.VariantType.Int32)]

    async def _prepare_recipe(self, _parent: Any, external: Any, internal: Any) -> Any:
        from asyncua import ua

        product = _text_id(external) or _text_id(internal) or ""
        error = DONE
        try:
            check_text("product", product)
            await asyncio.to_thread(self._station.change_product, product)
        except InspectionError:
            error = NO_SUCH_RECIPE
        prepared = _id("BinaryIdBaseDataType", self._station.product)
        if not error:
            await self._raise(RECIPE_PREPARED, {"ExternalRecipeId": prepared})
        return [
            prepared,
            ua.Variant(not error),
            ua.Variant(error, ua.VariantType.Int32),
        ]

    async def _stop(self, _parent: Any, _cause: Any, _why: Any) -> Any:
        """A job that runs ends by itself: every trigger taken gets its verdict."""
        return _error(DONE)

    async def _reset(self, _parent: Any, _cause: Any, _why: Any) -> Any:
        await self._write_state(self._station.state)
        return _error(DONE)

    async def _publish(self, result: InspectionResult) -> None:
        await self._last.write_value(json.dumps(result.as_json()))
        await self._raise(RESULT_READY, _fields(result), message=result.reason)

    async def _raise(self, kind: int, fields: dict[str, Any], *, message: str = "") -> None:
        generator = self._events[kind]
        for name, value in fields.items():
            generator.event.add_property(name, value.Value, value.VariantType)
        await generator.trigger(message=message or None)

    async def _write_state(self, state: str) -> None:
        outer = state if state in ("Preoperational", "Halted", "Error") else "Operational"
        await self._write_current(self._machine, outer)
        await self._write_current(self._automatic, state if outer == "Operational" else "")

    async def _write_current(self, machine: Any, state: str) -> None:
        from asyncua import ua

        current = await machine.get_child("0:CurrentState")
        await current.write_value(ua.LocalizedText(state))
        number = await current.get_child("0:Id")
        node = self._states[state].nodeid if state else ua.NodeId()
        await number.write_value(ua.Variant(node, ua.VariantType.NodeId))


async def _not_supported(*_: Any) -> Any:
    from asyncua import ua
    from asyncua.ua.status_codes import StatusCodes

    return ua.StatusCode(ua.UInt32(StatusCodes.BadNotSupported))


def _error(number: int) -> list[Any]:
    from asyncua import ua

    return [ua.Variant(number, ua.VariantType.Int32)]


def _fields(result: InspectionResult) -> dict[str, Any]:
    """The fields of ResultReadyEventType; content is the result as JSON."""
    from asyncua import ua

    state = JUDGED if result.verdict is not Verdict.CANNOT_INSPECT else NOT_JUDGED
    return {
        "ResultId": _id("ResultIdDataType", result.delivery_id),
        "JobId": _id("JobIdDataType", result.trigger_id),
        "PartId": _id("PartIdDataType", result.serial or ""),
        "MeasId": _id("MeasIdDataType", "" if result.number is None else str(result.number)),
        "ProductId": _id("ProductIdDataType", result.product or ""),
        "ExternalRecipeId": _id("BinaryIdBaseDataType", result.product or ""),
        "InternalRecipeId": _id("BinaryIdBaseDataType", result.recipe_id),
        "InternalConfigurationId": _id("BinaryIdBaseDataType", ""),
        "CreationTime": ua.Variant(result.judged_at.astimezone(UTC), ua.VariantType.DateTime),
        "ProcessingTimes": _times(result),
        "IsSimulated": ua.Variant(result.cause.code == "test_result"),
        "IsPartial": ua.Variant(False),
        "ResultState": ua.Variant(state, ua.VariantType.Int32),
        "ResultContent": ua.Variant([json.dumps(result.as_json())], ua.VariantType.String),
        "Severity": ua.Variant(500 if result.reject else 100, ua.VariantType.UInt16),
    }


def _times(result: InspectionResult) -> Any:
    from asyncua import ua

    total_ms = float(result.latency_ms.get("total", 0.0))
    end = result.judged_at.astimezone(UTC)
    start = datetime.fromtimestamp(end.timestamp() - total_ms / 1000, UTC)
    kind = vars(ua)["ProcessingTimesDataType"]  # made by import_xml
    times = kind(StartTime=start, EndTime=end, ProcessingDuration=total_ms)
    return ua.Variant(times)


def _id(kind: str, text: str) -> Any:
    """Make an id of the standard; its texts have at most 100 letters."""
    from asyncua import ua

    return ua.Variant(getattr(ua, kind)(Id=text[:100]))


def _text_id(given: Any) -> str | None:
    return _text(getattr(given.Value, "Id", None))


def _text(value: Any) -> str | None:
    """A text a client gave; other kinds of values are none."""
    return (value.strip() or None) if isinstance(value, str) else None


def _parameters(parameters: Any) -> dict[str, str]:
    """What a job's parameters of the form "name=text" say, by name; of two of a name the first."""
    values = parameters if isinstance(parameters, list) else [parameters]
    texts = [getattr(value, "Value", value) for value in values]
    pairs = [text.partition("=")[::2] for text in texts if isinstance(text, str)]
    return dict(pair for pair in reversed(pairs) if pair[1])
