"""What can be used on this machine, and why not where not."""

from __future__ import annotations

import inspect
from typing import Any

import cameras
import models


def camera_rows() -> list[dict[str, Any]]:
    """List every camera: name, one sentence, and what is missing or None."""
    return [_row(name, cameras.camera_class(name)) for name in cameras.camera_names()]


def model_rows() -> list[dict[str, Any]]:
    """List every model: name, one sentence, and what is missing or None."""
    return [_row(name, models.model_class(name)) for name in models.model_names()]


def output_rows() -> list[dict[str, Any]]:
    """List every output: name, one sentence, and what is missing or None."""
    from inspection.plant import outputs

    return [_row(name, outputs.output_class(name)) for name in outputs.output_names()]


def trigger_rows() -> list[dict[str, Any]]:
    """List every trigger: name, one sentence, and what is missing or None."""
    from inspection.plant import triggers

    return [_row(name, triggers.trigger_class(name)) for name in triggers.trigger_names()]


def _row(name: str, kind: Any) -> dict[str, Any]:
    about = (inspect.getdoc(kind) or "").splitlines()[0]
    return {"name": name, "about": about, "problem": kind.missing()}
