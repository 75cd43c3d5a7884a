"""What is installed with us, and under which licences: a list for people, CycloneDX for programs.

Read from what each package says of itself (`importlib.metadata`); what a package carries inside, such
as FFmpeg in OpenCV's, its own files tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OWN = "inspection"
FOR_DEVELOPMENT = frozenset({"test"})
"""Extras that a station never has: what only they need is no part of a release."""
COPYLEFT = re.compile(
    r"(?<![A-Za-z])A?GPL|GNU (Affero )?General Public|Affero General Public", re.IGNORECASE
)
PROPRIETARY = re.compile(r"proprietary|LicenseRef-", re.IGNORECASE)
LONGEST = 60
UNKNOWN = "not told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One package: `expression` is its licence in SPDX's words, where it tells it so."""

    name: str
    version: str
    licence: str
    expression: str | None
    needs: tuple[str, ...]

    @property
    def copyleft(self) -> bool:
        """Whether only GPL or AGPL are offered: one licence of several may be chosen."""
        offered = re.split(r"\s+OR\s+", self.licence)
        return all(COPYLEFT.search(each) for each in offered)

    @property
    def proprietary(self) -> bool:
        """Whether it comes under its maker's own terms."""
        return bool(PROPRIETARY.search(self.licence))

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"

    def as_cyclonedx(self) -> dict[str, Any]:
        """Return the component as CycloneDX has it."""
        licence = (
            {"expression": self.expression}
            if self.expression
            else {"license": {"name": self.licence}}
        )
        return {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "purl": self.purl,
            "licenses": [licence],
        }


def components() -> list[Component]:
    """List every package that is installed because of us, ourselves first, then by name."""
    needs: dict[str, tuple[str, ...]] = {}
    waiting = [(OWN, frozenset(_own_extras()))]
    while waiting:
        name, extras = waiting.pop()
        following = {
            canonicalize_name(row.name): frozenset(row.extras) for row in _needed(name, extras)
        }
        needs[name] = tuple(sorted({*needs.get(name, ()), *following} - {name}))
        waiting += [(each, more) for each, more in following.items() if each not in needs]
    return [_component(name, needs[name]) for name in sorted(needs, key=lambda n: (n != OWN, n))]


def as_cyclonedx(found: list[Component]) -> dict[str, Any]:
    """Return a bill of materials of CycloneDX 1.6 (ECMA-424), as plain JSON."""
    own, *others = found
    refs = {each.name: each.purl for each in found}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**own.as_cyclonedx(), "type": "application"},
        },
        "components": [each.as_cyclonedx() for each in others],
        "dependencies": [
            {"ref": each.purl, "dependsOn": [refs[name] for name in each.needs]} for each in found
        ],
    }


def as_text(found: list[Component]) -> str:
    """Say it to a person: a line a package, and what must be known at the end."""
    rows = [f"{each.name:<34} {each.version:<18} {each.licence}" for each in found]
    copyleft = [each.name for each in found if each.copyleft]
    closed = [each.name for each in found if each.proprietary]
    silent = [each.name for each in found if each.licence == UNKNOWN]
    return "\n".join(
        [
            *rows,
            f"{len(found)} packages",
            f"GPL or AGPL: {', '.join(copyleft) or 'none'}",
            f"under their maker's own terms: {', '.join(closed) or 'none'}",
            f"licence not told by the package: {', '.join(silent) or 'none'}",
        ]
    )


def _own_extras() -> set[str]:
    return set(distribution(OWN).metadata.get_all("Provides-Extra") or ()) - FOR_DEVELOPMENT


def _needed(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """What a package needs here and has: an extra's packages may not be installed."""
    for text in distribution(name).requires or ():
        row = Requirement(text)
        here = row.marker is None or any(
            row.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        )
        if here and _installed(row.name):
            yield row


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _component(name: str, needs: tuple[str, ...]) -> Component:
    found = distribution(name)
    expression = _field(found, "License-Expression")
    return Component(
        name=name,
        version=found.version,
        licence=expression or _licence(found),
        expression=expression,
        needs=needs,
    )


def _licence(found: Distribution) -> str:
    """What an older package says: its classifiers, else the first line of its text."""
    classifiers = found.metadata.get_all("Classifier") or []
    kinds = [row.rpartition(" :: ")[2] for row in classifiers if row.startswith("License ::")]
    kinds = [kind for kind in kinds if kind != "OSI Approved"]
    told = (_field(found, "License") or "").strip().partition("\n")[0]
    told = "" if told == "UNKNOWN" else told
    if kinds and not (kinds == ["Other/Proprietary License"] and told):
        return " OR ".join(kinds)
    return told[:LONGEST] or UNKNOWN


def _field(found: Distribution, name: str) -> str | None:
    return next(iter(found.metadata.get_all(name) or ()), None)
