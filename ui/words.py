"""What the pages say, in three languages; there is no visible text anywhere else.

Texts that reports and the command line say too are in `inspection/words`, all others in `ui/words`.
"""

from __future__ import annotations

from pathlib import Path

from inspection import words

LANGUAGES = words.LANGUAGES
FOLDER = Path(__file__).parent / "words"
FOLDERS = (words.SHARED, FOLDER)


class Words(words.Words):
    """The catalogue of all pages."""

    def __init__(self) -> None:
        super().__init__(*FOLDERS)
