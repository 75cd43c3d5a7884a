"""Every reason has its words in each language; the page gets codes and reads no sentence."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import ui
from inspection.judgement import Judgement, Verdict
from inspection.local_api.messages import record_message
from inspection.reasons import CODES, JUDGED, WORDINGS, Reason
from inspection.store import NewPart, PartRecord, open_store
from tests.store.records_before_codes import OLD_SENTENCES, write_old_store
from ui.core.wording import Wording
from ui.words import LANGUAGES, Words

UI = Path(ui.__file__).parent
WORDS = Words()
SAMPLES: dict[str, Any] = {"count": 3, "unit": "px", "side": "width", "low": 64, "high": 400}


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def shown(record: PartRecord, language: str) -> str:
    """As the page says it (ui/static/shared/reasons.js)."""
    cause = record_message(record)["cause"]
    sentence = WORDS.say(f"reasons.{cause['key']}", language, **cause["values"])
    if cause["view"] is None:
        return sentence
    return WORDS.say("operator.of_view", language, view=cause["view"], why=sentence)


def test_every_wording_has_its_words_with_the_same_values_in_each_language() -> None:
    catalogue = {key.removeprefix("reasons.") for key in WORDS.keys if key.startswith("reasons.")}
    assert catalogue == set(WORDINGS)
    for key, wording in WORDINGS.items():
        bare = {name: f"{{{name}}}" for name in wording.names}
        names = [names_in(WORDS.say(f"reasons.{key}", each, **bare)) for each in LANGUAGES]
        assert all(each == names[0] for each in names), key
        assert names[0] <= wording.names, key


def test_every_wording_says_what_to_do_and_every_code_has_a_name() -> None:
    for wording in WORDINGS.values():
        assert f"operator.do_{wording.do}" in WORDS.keys
    for code in CODES - JUDGED:
        assert f"causes.{code}" in WORDS.keys


def test_every_code_of_a_part_that_was_not_judged_is_recorded_and_shown(tmp_path: Path) -> None:
    keys = [
        key for key, wording in WORDINGS.items() if wording.do not in ("pass", "fail", "review")
    ]
    made = []
    for key in keys:
        code = key.removesuffix("_range")
        values = {name: SAMPLES.get(name, 7) for name in WORDINGS[key].names}
        if code == "wrong_size":
            values["high"] = 400 if key.endswith("_range") else values["low"]
        judgement = Judgement(
            verdict=Verdict.CANNOT_INSPECT, cause=Reason(code, values), recipe_id="r"
        )
        made.append(NewPart(judgement=judgement))
    with open_store(tmp_path / "parts.db") as store:
        for key, record in zip(keys, store.add_many(made), strict=True):
            assert record_message(record)["cause"]["key"] == key
            for language in LANGUAGES:
                assert "{" not in shown(record, language)


def test_parts_recorded_before_there_were_codes_are_shown_in_japanese(tmp_path: Path) -> None:
    write_old_store(tmp_path / "parts.db")
    with open_store(tmp_path / "parts.db") as store:
        assert [shown(part, "ja") for part in store.parts(newest_first=False)] == [
            "異常なし：スコア 1.5、限界 2.5。",
            "ゾーン「rim」に不良箇所 1 か所、約 0.4 mm²。 スコア 3.5、限界 2.5。",
            "ビュー top：画像が暗すぎます：明るさ 3.1、下限 12。",
            "部品を検査できませんでした。",
        ]


@pytest.mark.parametrize(("sentence", "code", "values"), OLD_SENTENCES)
def test_each_sentence_of_before_has_its_words(
    sentence: str, code: str, values: dict[str, Any]
) -> None:
    key = Reason(code, values).key
    for language in LANGUAGES:
        assert "{" not in WORDS.say(f"reasons.{key}", language, **values), sentence


def english_pieces() -> set[str]:
    """The pieces of the English sentences between their values that are no everyday words."""
    pieces = set()
    for wording in WORDINGS.values():
        for piece, _, _, _ in Formatter().parse(wording.sentence):
            if len(piece.strip()) >= 12:
                pieces.add(piece.strip())
    return pieces


def test_nothing_of_the_page_knows_an_english_sentence() -> None:
    pieces = english_pieces()
    assert "station busy:" in pieces
    assert len(pieces) > 30
    for path in sorted(UI.rglob("*.py")) + sorted(UI.rglob("*.js")):
        text = path.read_text("utf-8")
        assert not [piece for piece in pieces if piece in text], path.name


def test_no_script_searches_a_reason() -> None:
    searching = re.compile(
        r"reason\??\.(includes|match|search|startsWith|endsWith|indexOf|split|replace)\b"
        r"|(exec|test)\([^)]*\breason\b"
    )
    for path in sorted(UI.rglob("*.js")):
        assert not searching.search(path.read_text("utf-8")), path.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_writes_large_counts_with_their_thousands_apart(language: str) -> None:
    values = {"count": 1, "size": 5400, "unit": "px", "score": 1.5, "limit": 1.2}
    said = Wording(Words(), language).reason(Reason("at_fault", values))
    assert "5,400 px" in said
