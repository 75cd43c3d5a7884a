"""Settings as the audit record and a table show them: no password within an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspection.covered import covered_text


def shown_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with what is secret in their texts covered."""
    return {
        name: covered_text(value) if isinstance(value, str) else value
        for name, value in settings.items()
    }
