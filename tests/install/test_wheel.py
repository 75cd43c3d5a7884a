"""What the wheel brings along beside the code: the manual that the page shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
SOURCE = ("pyproject.toml", "README.md", "LICENSE")
ROOMS = ("inspection", "ui", "cameras", "models", "docs")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def test_the_whole_manual_is_in_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in SOURCE:
        shutil.copy(REPOSITORY / name, source)
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / room, source / room, ignore=ignored)
    subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=source, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    brought = {
        name.partition("/share/inspection/docs/")[2]
        for name in names
        if "/share/inspection/docs/" in name
    }
    docs = REPOSITORY / "docs"
    wanted = {
        file.relative_to(docs).as_posix()
        for pattern in ("*.md", "decisions/*.md", "images/*.png")
        for file in docs.glob(pattern)
    }
    assert brought == wanted
    assert any(name.startswith("ui/static/manual/") for name in names)
