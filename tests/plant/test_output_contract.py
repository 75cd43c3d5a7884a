"""What every output promises, tested over every file of the outputs folder with a real other side."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import InspectionError, SetupError
from inspection.judgement import Verdict
from inspection.plant.outputs import (
    Output,
    OutputError,
    OutputUnavailable,
    output_class,
    output_names,
)
from inspection.plant.triggers import trigger_class, trigger_names

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def _plc(name: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Start the PLC of a link that connects by itself, or give the server its port."""
    kinds = {kind.output: kind for kind in request.getfixturevalue("plc_kinds")}
    peer = kinds[name]()
    peer.start()
    request.addfinalizer(peer.stop)
    return dict(peer.settings())


SETTINGS: dict[str, Callable[[pytest.FixtureRequest], dict[str, Any]]] = {
    "csv_file": lambda r: {"folder": r.getfixturevalue("tmp_path")},
    "image_folder": lambda r: {"folder": r.getfixturevalue("tmp_path")},
    "modbus_client": lambda r: _plc("modbus_client", r),
    "modbus_server": lambda r: _plc("modbus_server", r),
    "mqtt": lambda r: {
        "host": "127.0.0.1", "port": r.getfixturevalue("broker").port, "topic": "line/4",
    },
    "opcua": lambda r: {"port": r.getfixturevalue("port")},
    "s7": lambda r: _plc("s7", r),
    "webhook": lambda r: {"url": r.getfixturevalue("hook").url},
}  # fmt: skip
"""Settings of each output for a peer that is there."""

UNREACHABLE: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "csv_file": lambda path, _: {"folder": path / "file" / "inside"},
    "image_folder": lambda path, _: {"folder": path / "file" / "inside"},
    "modbus_client": lambda _, port: {"host": "127.0.0.1", "port": port, "timeout_s": 0.5},
    "modbus_server": lambda _, port: {"host": "192.0.2.1", "port": port},
    "mqtt": lambda _, port: {"host": "127.0.0.1", "port": port, "topic": "t", "timeout_s": 0.3},
    "opcua": lambda _, port: {"host": "192.0.2.1", "port": port},
    "s7": lambda _, port: {"host": "127.0.0.1", "port": port},
    "webhook": lambda path, _: {"url": "http://127.0.0.1", "secret_file": path / "none"},
}
"""Settings of each output that cannot be opened."""


@pytest.fixture(params=output_names())
def kind(request: pytest.FixtureRequest) -> type[Output]:
    kind = output_class(request.param)
    if (missing := kind.missing()) is not None:
        pytest.skip(f"{request.param}: {missing}")
    for table, rows in (("SETTINGS", SETTINGS), ("UNREACHABLE", UNREACHABLE)):
        where = f"{table} of {Path(__file__).name}"
        assert request.param in rows, f"output {request.param!r} has no row in {where}: add one"
    return kind


@pytest.fixture
def output(kind: Any, request: pytest.FixtureRequest) -> Iterator[Output]:
    with kind(**SETTINGS[kind.name](request)) as output:
        yield output


def test_names_and_manual() -> None:
    assert output_names() == sorted(SETTINGS)
    text = (DOCS / "outputs.md").read_text(encoding="utf-8")
    assert [name for name in output_names() if f"\n| `{name}` |" not in text] == []
    assert [name for name in output_names() if f"## `{name}`" not in text] == []
    text = (DOCS / "triggers.md").read_text(encoding="utf-8")
    assert [name for name in trigger_names() if f"## `{name}`" not in text] == []


@pytest.mark.parametrize("name", output_names())
def test_class_is_named_as_its_file(name: str) -> None:
    kind = output_class(name)
    assert kind.name == name
    assert kind.__module__ == f"inspection.plant.outputs.{name}"


@pytest.mark.parametrize(("word", "flag"), [("Kept", "queued"), ("Required", "required")])
def test_the_manual_says_which_outputs_are_kept_and_which_required(word: str, flag: str) -> None:
    """What a crash must not lose, and what stops the line: both are promises."""
    text = (DOCS / "outputs.md").read_text(encoding="utf-8")
    (listed,) = re.findall(rf"\*\*{word}\*\* outputs \(([^)]*)\)", text)
    flagged = [name for name in output_names() if getattr(output_class(name), flag)]
    assert sorted(re.findall(r"`(\w+)`", listed)) == flagged


@pytest.mark.parametrize("name", [*output_names(), *trigger_names()])
def test_what_is_missing_is_an_extra_that_can_be_installed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries are here, so the search for them is made to find nothing."""
    monkeypatch.setattr("inspection.plant.extras.find_spec", lambda _: None)
    kind: Any = output_class(name) if name in output_names() else trigger_class(name)
    if (missing := kind.missing()) is None:
        return
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    (extra,) = re.findall(r"pip install 'inspection\[(\w+)\]'$", missing)
    assert extra in extras
    if name in output_names():
        page = (DOCS / "outputs.md").read_text(encoding="utf-8")
        (row,) = re.findall(rf"^\| `{name}` \|.*$", page, re.M)
        assert f"`inspection[{extra}]`" in row


@pytest.mark.parametrize("name", [*output_names(), *trigger_names()])
def test_settings_are_keyword_only_and_in_the_manual(name: str) -> None:
    is_output = name in output_names()
    kind = output_class(name) if is_output else trigger_class(name)
    settings = list(inspect.signature(kind.__init__).parameters.values())[1:]
    assert {setting.kind for setting in settings} == {inspect.Parameter.KEYWORD_ONLY}
    page = DOCS / ("outputs.md" if is_output else "triggers.md")
    section = page.read_text(encoding="utf-8").split(f"## `{name}`")[1].split("\n## ")[0]
    assert [setting.name for setting in settings if f"| `{setting.name}` |" not in section] == []


@pytest.mark.parametrize("name", ["", "base", "_board", "fax", "../mqtt", "Mqtt"])
def test_unknown_name_is_refused_with_those_allowed(name: str) -> None:
    with pytest.raises(SetupError) as caught:
        output_class(name)
    allowed = ", ".join(output_names())
    assert str(caught.value) == f"output {name!r} does not exist; allowed: {allowed}"


def test_importing_every_output_and_trigger_loads_no_plant_library() -> None:
    code = (
        "import sys; from inspection.plant.outputs import *; from inspection.plant.triggers import *\n"
        "[output_class(n).missing() for n in output_names()]\n"
        "[trigger_class(n).missing() for n in trigger_names()]\n"
        "import inspection.station.code_reader\n"
        "libraries = {'pymodbus', 'paho', 'asyncua', 'snap7', 'serial', 'httpx', 'zxingcpp', 'torch'}\n"
        "print(sorted(libraries & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_results_are_taken_after_opening_only(output: Output, plant: Any, make: Any) -> None:
    with pytest.raises(OutputError) as caught:
        output.send(make())
    assert str(caught.value) == f"output {output.name} is closed; open it before sending"
    output.open(plant)
    for number, verdict in enumerate(Verdict, start=1):
        output.send(make(number, verdict=verdict))
    output.send(replace(make(9), number=None, score=None, serial=None, lot=None, product=None))
    output.state_changed(plant)
    output.close()
    with pytest.raises(OutputError) as caught:
        output.send(make())
    assert str(caught.value) == f"output {output.name} is closed; open it before sending"


def test_close_is_safe_twice_and_before_open(output: Output, plant: Any, make: Any) -> None:
    output.close()
    output.state_changed(plant)
    for _ in range(2):
        output.open(plant)
        output.send(make())
        output.close()
        output.close()
        output.state_changed(plant)


def test_leaving_the_context_does_not_hide_the_error(output: Output, plant: Any) -> None:
    with pytest.raises(ZeroDivisionError), output:
        output.open(plant)
        raise ZeroDivisionError


@pytest.mark.parametrize("name", [*output_names(), *trigger_names()])
def test_library_that_is_not_installed_is_one_line(
    name: str, plant: Any, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries are here, so the search for them is made to find nothing."""
    monkeypatch.setattr("inspection.plant.extras.find_spec", lambda _: None)
    is_output = name in output_names()
    kind: Any = output_class(name) if is_output else trigger_class(name)
    if (missing := kind.missing()) is None:
        return
    settings = UNREACHABLE[name](tmp_path, port) if is_output else _settings_it_must_have(kind)
    assert missing.endswith("]'")
    with pytest.raises(InspectionError) as caught:
        kind(**settings).open(plant)
    assert str(caught.value).endswith(f" {name}: {missing}")


def _settings_it_must_have(kind: Any) -> dict[str, Any]:
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return {each.name: "x" for each in parameters if each.default is inspect.Parameter.empty}


@pytest.mark.parametrize("name", trigger_names())
def test_a_trigger_that_was_not_opened_is_well_and_closes_twice(name: str) -> None:
    kind: Any = trigger_class(name)
    trigger = kind(**_settings_it_must_have(kind))
    trigger.check()
    trigger.close()
    trigger.close()
    trigger.check()


def test_what_cannot_be_opened_says_so_in_one_line(
    kind: Any, plant: Any, tmp_path: Path, port: int
) -> None:
    (tmp_path / "file").write_text("in the way")
    with kind(**UNREACHABLE[kind.name](tmp_path, port)) as output:
        with pytest.raises(OutputUnavailable) as caught:
            output.open(plant)
        assert str(caught.value).startswith(f"output {kind.name}: ")
        assert "\n" not in str(caught.value)
