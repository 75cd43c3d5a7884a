"""OPC UA: a real client finds the standard's nodes, starts jobs and gets their results."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest

from inspection.judgement import Verdict
from inspection.plant.outputs import Output, output_class

VISION = "http://opcfoundation.org/UA/MachineVision"
OURS = "urn:inspection:station"
RESULT_READY = 1024


@pytest.fixture
def server(plant: Any, port: int) -> Iterator[Output]:
    kind = output_class("opcua")
    if (missing := kind.missing()) is not None:
        pytest.skip(missing)
    with kind(port=port) as output:
        output.open(plant)
        yield output


class Client:
    """A line controller: the station's nodes by name, and the events that came."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.events: asyncio.Queue[Any] = asyncio.Queue()

    async def begin(self) -> None:
        from asyncua import ua

        await self.client.load_data_type_definitions()
        self.vision = await self.client.get_namespace_index(VISION)
        self.ours = await self.client.get_namespace_index(OURS)
        self.station = await self.client.nodes.objects.get_child(f"{self.ours}:press 4")
        self.subscription = await self.client.create_subscription(10, self)
        kind = self.client.get_node(ua.NodeId(RESULT_READY, self.vision))
        await self.subscription.subscribe_events(self.station, kind)

    def event_notification(self, event: Any) -> None:
        self.events.put_nowait(event)

    async def node(self, path: str) -> Any:
        return await self.station.get_child([f"{self.vision}:{name}" for name in path.split("/")])

    async def value(self, path: str) -> Any:
        return await (await (await self.node(path)).get_child("0:CurrentState")).read_value()

    async def variable(self, name: str) -> Any:
        return await self.station.get_child(f"{self.ours}:{name}")

    async def start(self, serial: str, *, recipe: str = "", lot: str = "", more: str = "") -> Any:
        from asyncua import ua

        automatic = await self.node("VisionStateMachine/AutomaticModeStateMachine")
        types = vars(ua)
        return await automatic.call_method(
            f"{self.vision}:StartSingleJob",
            types["MeasIdDataType"](),
            types["PartIdDataType"](Id=serial),
            types["BinaryIdBaseDataType"](Id=recipe),
            types["ProductIdDataType"](),
            ua.Variant([f"lot={lot}", more], ua.VariantType.String),
        )


def with_client(port: int, work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        from asyncua import Client as Library

        async with asyncio.timeout(30), Library(f"opc.tcp://127.0.0.1:{port}") as library:
            client = Client(library)
            await client.begin()
            await work(client)

    asyncio.run(main())


def test_job_and_its_result(server: Any, plant: Any, port: int, make: Any) -> None:
    async def work(client: Client) -> None:
        job, error = await client.start("S-9", lot="L7", more="process.torque_nm=1.5")
        (request,) = plant.requests
        assert (error, job.Id) == (0, request.trigger_id)
        assert (request.source, request.serial, request.lot) == ("opcua", "S-9", "L7")
        assert request.process == {"torque_nm": 1.5}
        await asyncio.to_thread(server.send, make(7, trigger_id=request.trigger_id, serial="S-9"))
        event = await asyncio.wait_for(client.events.get(), 10)
        assert (event.ResultId.Id, event.JobId.Id, event.PartId.Id) == ("part-7", job.Id, "S-9")
        assert (event.ProductId.Id, event.ExternalRecipeId.Id) == ("flange", "flange")
        assert (event.InternalRecipeId.Id, event.MeasId.Id) == ("abc", "7")
        assert (event.IsSimulated, event.IsPartial, event.ResultState) == (False, False, 1)
        assert event.CreationTime.isoformat() == "2026-03-04T05:06:07+00:00"
        assert event.ProcessingTimes.ProcessingDuration == 12.5
        content = json.loads(event.ResultContent[0])
        assert (content["verdict"], content["reject"]) == ("FAIL", True)
        last = await (await client.variable("LastResult")).read_value()
        assert json.loads(last) == content

    with_client(port, work)


def test_part_that_could_not_be_judged(server: Any, port: int, make: Any) -> None:
    async def work(client: Client) -> None:
        result = replace(make(8, verdict=Verdict.CANNOT_INSPECT), serial=None, number=None)
        await asyncio.to_thread(server.send, result)
        event = await asyncio.wait_for(client.events.get(), 10)
        assert (event.ResultState, event.PartId.Id, event.MeasId.Id) == (3, "", "")

    with_client(port, work)


def test_refusals(server: Any, plant: Any, port: int) -> None:
    async def work(client: Client) -> None:
        job, error = await client.start("S-1", recipe="bracket")
        assert (job.Id, error, plant.requests) == ("", 2, [])
        plant.accepts = False
        job, error = await client.start("S-1")
        assert (job.Id, error, plant.requests) == ("", 1, [])

    with_client(port, work)


def test_recipe_is_prepared(server: Any, plant: Any, port: int) -> None:
    async def work(client: Client) -> None:
        from asyncua import ua

        recipes, kind = await client.node("RecipeManagement"), vars(ua)["BinaryIdBaseDataType"]
        answers = [
            await recipes.call_method(f"{client.vision}:PrepareRecipe", kind(Id=name), kind())
            for name in ("bracket", "wheel")
        ]
        assert [(a[0].Id, a[1], a[2]) for a in answers] == [
            ("bracket", True, 0), ("bracket", False, 3),
        ]  # fmt: skip
        _, error = await client.start("S-1", recipe="bracket")
        assert error == 0
        assert plant.requests[0].product == "bracket"

    with_client(port, work)


def test_server_starts_without_a_word(
    server: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert [record.message for record in caplog.get_records("setup")] == []
    assert capfd.readouterr() == ("", "")


def test_states(server: Any, plant: Any, port: int) -> None:
    async def work(client: Client) -> None:
        outer, inner = "VisionStateMachine", "VisionStateMachine/AutomaticModeStateMachine"
        assert (await client.value(outer)).Text == "Operational"
        assert (await client.value(inner)).Text == "Ready"
        plant.state = "Halted"
        await asyncio.to_thread(server.state_changed, plant)
        assert (await client.value(outer)).Text == "Halted"
        assert not (await client.value(inner)).Text

    with_client(port, work)


def test_methods_that_are_not_there_say_so(server: Any, port: int) -> None:
    async def work(client: Client) -> None:
        from asyncua import ua

        machine = await client.node("VisionStateMachine")
        with pytest.raises(ua.UaStatusCodeError) as caught:
            await machine.call_method(
                f"{client.vision}:Halt", ua.Variant(0, ua.VariantType.Int32), ""
            )
        assert "BadNotSupported" in str(caught.value)
        answer = await machine.call_method(
            f"{client.vision}:Reset", ua.Variant(0, ua.VariantType.Int32), ""
        )
        assert answer == 0

    with_client(port, work)


def test_trigger_variable(server: Any, plant: Any, port: int) -> None:
    async def work(client: Client) -> None:
        trigger, refused = await client.variable("Trigger"), await client.variable("Refused")
        await (await client.variable("PartId")).write_value("S-5")
        for accepts, seen in ((True, 0), (False, 1)):
            plant.accepts = accepts
            await trigger.write_value(True)
            async with asyncio.timeout(10):
                while await trigger.read_value():
                    await asyncio.sleep(0.01)
            assert await refused.read_value() == seen
        assert [request.serial for request in plant.requests] == ["S-5"]

    with_client(port, work)


def test_client_that_goes_away_disturbs_nothing(
    server: Any, plant: Any, port: int, make: Any
) -> None:
    """A client whose process dies takes its subscription with it; the next one is served."""
    code = (
        "import asyncio, os\n"
        "from asyncua import Client\n"
        "async def main():\n"
        f"    async with Client('opc.tcp://127.0.0.1:{port}') as client:\n"
        "        subscription = await client.create_subscription(10, None)\n"
        "        await subscription.subscribe_events()\n"
        "        os._exit(7)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 7
    server.send(make(1))

    async def again(client: Client) -> None:
        await asyncio.to_thread(server.send, make(2))
        event = await asyncio.wait_for(client.events.get(), 10)
        assert event.ResultId.Id == "part-2"

    with_client(port, again)
