"""What the product says to people, in three languages: a catalogue of texts by key.

Each file `AREA.toml` of a folder holds tables `[name]` with `en`, `ja` and `ko`; the key of a text is
`AREA.name`. `{name}` in a text is filled in by whoever says it. The texts here are those that more than
the page says; those of the page alone are in `ui/words`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

LANGUAGES = ("en", "ja", "ko")
SHARED = Path(__file__).parent / "words"


class Words:
    """The catalogue of some folders. Raises ValueError where a text lacks a language."""

    def __init__(self, *folders: Path) -> None:
        self._said: dict[str, Mapping[str, str]] = {}
        for path in (
            path for folder in folders or (SHARED,) for path in sorted(folder.glob("*.toml"))
        ):
            for name, texts in tomllib.loads(path.read_text("utf-8")).items():
                if set(texts) != set(LANGUAGES) or not all(texts.values()):
                    raise ValueError(f"{path.name}: {name}: needs a text for each of {LANGUAGES}")
                self._said[f"{path.stem}.{name}"] = texts

    def say(self, key: str, language: str, **values: object) -> str:
        """One text. Raises KeyError for a key that is not in the catalogue."""
        return self._said[key][language].format_map(values)

    def of(self, language: str) -> dict[str, str]:
        """All texts of a language by key, for a browser."""
        return {key: texts[language] for key, texts in self._said.items()}

    @property
    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._said)
