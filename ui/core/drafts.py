"""Where the set-up page keeps what it prepares for a product and view."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path


def draft_folder(page_folder: Path, product: str, view: str) -> Path:
    """The folder of a draft; any name of a product makes one of its own."""
    readable = re.sub(r"[^A-Za-z0-9]+", "_", f"{product}-{view}")[:60]
    mark = hashlib.sha256(f"{product}\0{view}".encode()).hexdigest()[:8]
    return page_folder / "setup" / f"{readable}-{mark}"


def move_drafts(page_folder: Path, view: str, old: str, new: str) -> None:
    """Let a product that has another name keep its draft."""
    source, target = (draft_folder(page_folder, name, view) for name in (old, new))
    if source.is_dir() and not target.exists():
        source.rename(target)
