"""What an entry of the audit record holds, in words: "name: value" each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from inspection.store.reading.audit_log import AuditEntry
from ui.core.wording import Wording

FIRST = ("kind", "name", "role", "label", "product", "view")
"""These come first; the others follow in the order of the record."""
DATA = ("settings", "test", "left_out")
"""Below these the names are data, such as settings of a camera or types of defects."""
ALIAS = {
    "good_parts_added": {"from": "source"},
    "parity_checked": {"file": "on_disk"},
    "pictures_cleared": {"pictures": "images"},
}
"""The name that tells best what a value is, where an entry of another kind has another under the same."""
HASH = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
SHARES = ("difference", "tolerance", "false_reject", "review", "promised")
HASH_SHOWN, LIST_SHOWN = 12, 8


def kind_words(kind: str, wording: Wording) -> str:
    """What was done, or the kind itself where there are no words for it."""
    return wording.said(f"admin.kind_{_named(kind)}", kind)


def details(entry: AuditEntry, wording: Wording) -> str:
    """The details of an entry in one line; what is empty is left out."""
    about = str(entry.detail["kind"]) if entry.kind == "change_failed" else entry.kind
    told = _Details(about, wording)
    return " · ".join(
        f"{told.label(name)}: {told.value(name, value)}" for name, value in _filled(entry.detail)
    )


class _Details:
    def __init__(self, about: str, wording: Wording) -> None:
        self.about, self.wording = about, wording

    def label(self, name: str) -> str:
        return self.wording.said(f"admin.detail_{self._alias(name)}", name)

    def value(self, name: str, value: Any) -> str:
        """One value; what is nested is given as "name value, name value"."""
        if isinstance(value, Mapping):
            ours = name not in DATA
            return ", ".join(self._pair(inner, each, ours) for inner, each in _filled(value, ours))
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self._list(name, value)
        return self._single(name, value)

    def _pair(self, name: str, value: Any, ours: bool) -> str:
        inner = self.value(name if ours else "", value)
        nested = f"({inner})" if isinstance(value, Mapping) else inner
        return f"{self.label(name) if ours else name} {nested}"

    def _list(self, name: str, values: Sequence[Any]) -> str:
        given = [value for value in values if not _empty(value)]
        between = "; " if any(isinstance(value, Mapping | list) for value in given) else ", "
        begun = between.join(self.value(name, value) for value in given[:LIST_SHOWN])
        more = len(given) - LIST_SHOWN
        return f"{begun} {self.wording.say('admin.and_more', count=more)}" if more > 0 else begun

    def _single(self, name: str, value: Any) -> str:
        key = self._key(name, value)
        if key is not None and self.wording.has(key):
            return self.wording.say(key)
        if isinstance(value, bool):
            return self.wording.say("admin.is_true" if value else "admin.is_false")
        if name in SHARES and isinstance(value, int | float):
            return f"{_short(round(100 * value, 4))} %"
        text = _short(value)
        if name in ("since", "until") and _is_moment(text):
            return self.wording.moment(text)
        return text[:HASH_SHOWN] if HASH.fullmatch(text) else text

    def _key(self, name: str, value: Any) -> str | None:
        """The key of the words for a value, where values of its name are of a fixed set."""
        code = _named(_short(value))
        if self.about == "user_role_changed" and name in ("from", "to"):
            return f"login.role_{code}"
        return {
            "role": f"login.role_{code}",
            "kind": f"admin.kind_{code}",
            "verdict": f"admin.verdict_{code}",
            "reason": f"acknowledged.{code}",
            "rule": f"admin.rule_{code}",
            "source": f"admin.source_{code}",
            "on_disk": f"admin.file_{code}",
            "effort": f"setup.effort_{code}",
        }.get(self._alias(name))

    def _alias(self, name: str) -> str:
        return ALIAS.get(self.about, {}).get(name, name)


def _filled(detail: Mapping[str, Any], ours: bool = True) -> list[tuple[str, Any]]:
    """What is not empty; what matters most comes first, where the names are ours."""

    def place(pair: tuple[str, Any]) -> int:
        return FIRST.index(pair[0]) if ours and pair[0] in FIRST else len(FIRST)

    return sorted(((k, v) for k, v in detail.items() if not _empty(v)), key=place)


def _empty(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_empty, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_empty, value))
    return value is None or value == ""


def _short(value: Any) -> str:
    """A value as text; a number without decimals that say nothing."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _named(kind: str) -> str:
    return re.sub("[- ]", "_", kind)


def _is_moment(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?", text))
