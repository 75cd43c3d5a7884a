"""`inspection doctor --licences`: every package with its licence, for people and as CycloneDX."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import pytest

from inspection.licences import Component, components


def component(licence: str) -> Component:
    return Component(name="x", version="1", licence=licence, expression=None, needs=())


@pytest.mark.parametrize(
    ("licence", "copyleft"),
    [
        ("GPL-2.0-only", True),
        ("AGPL-3.0-or-later", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 or later (LGPLv3+)", False),
        ("MIT OR GPL-2.0-only", False),
        ("Apache-2.0", False),
    ],
)
def test_gpl_and_agpl_are_told_from_the_rest(licence: str, copyleft: bool) -> None:
    assert component(licence).copyleft is copyleft


def test_nothing_we_bring_along_is_under_gpl_or_agpl() -> None:
    found = components()
    assert [each.name for each in found if each.copyleft] == []
    names = {each.name for each in found}
    assert {"inspection", "openvino", "gradio", "torch", "starlette", "numpy"} <= names
    assert not {"pytest", "ruff", "mypy", "playwright"} & names


def test_the_list_names_what_is_closed(cli: Any) -> None:
    done = cli("doctor", "--licences")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{'openvino':<34} {version('openvino'):<18} Apache-2.0\n" in done.stdout
    assert "GPL or AGPL: none\n" in done.stdout
    (closed,) = (row for row in done.stdout.splitlines() if row.startswith("under their maker's"))
    installed = {each.name for each in components() if each.name.startswith("nvidia-")}
    told = {name for name in installed if name in closed}
    assert told == {each.name for each in components() if each.proprietary} & installed


def test_the_bill_of_materials_is_whole(cli: Any) -> None:
    done = cli("doctor", "--licences", "--json")
    bill = json.loads(done.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "inspection"
    refs = {row["bom-ref"] for row in bill["components"]} | {
        bill["metadata"]["component"]["bom-ref"]
    }
    assert f"pkg:pypi/openvino@{version('openvino')}" in refs
    assert {row["ref"] for row in bill["dependencies"]} == refs
    assert {ref for row in bill["dependencies"] for ref in row["dependsOn"]} <= refs
    assert all(row["licenses"] for row in bill["components"])
