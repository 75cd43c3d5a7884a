"""Reading what others sent: whatever it is, one refusal, and one line a second."""

from __future__ import annotations

import logging
import random

import pytest

from inspection.outside import Door, Refused, TooLarge, check_text, count_of, read_json, read_toml

NESTED = b"[" * 1100


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (NESTED, "not JSON (nested deeper than 32 levels)"),
        (b'{"a":' * 50, "not JSON (nested deeper than 32 levels)"),
        (b"\xff", "not JSON ('utf-8' codec can't decode byte 0xff"),
        (b"NaN", "not JSON (NaN is no number of JSON)"),
        (b"9" * 5000, "not JSON (Exceeds the limit"),
        (b"1" * 6000, "6000 bytes, at most 5000 are allowed"),
        (b'"', "not JSON (Unterminated string"),
    ],
)
def test_json_that_cannot_be_is_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(Refused) as caught:
        read_json(data, most_bytes=5000)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_brackets_within_texts_are_no_depth() -> None:
    text = '{"serial": "[[[[{{{{\\"[[[["}'
    assert read_json(text.encode(), most_bytes=100, deepest=1) == {"serial": '[[[[{{{{"[[[['}


def test_many_escaped_quotes_are_read_at_once() -> None:
    with pytest.raises(Refused):
        read_json(b'"' + b'\\"' * 500_000, most_bytes=2_000_000)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a = " + "{a=" * 3000, "\x00", "a = 1e99999x"]
)
def test_toml_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not readable as TOML"):
        read_toml(text.encode())


def test_bytes_are_never_anything_but_a_value_or_a_refusal() -> None:
    chance = random.Random(12)
    seeds = [b'{"serial": "A-1", "lot": null}', NESTED, b'"\\ud800"', b"1e400", b"-" * 50]
    for _ in range(10_000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        for read in (read_json, read_toml):
            try:
                read(bytes(data), most_bytes=4096)  # type: ignore[operator]
            except Refused:
                continue


@pytest.mark.parametrize("text", ["9" * 4301, "-1", "٣", "1e3", "", "5 0", "51"])
def test_a_count_is_plain_and_small(text: str) -> None:
    with pytest.raises(TooLarge):
        count_of(text, most=50)
    assert count_of("50", most=50) == 50


def test_a_text_longer_than_any_of_its_kind_is_refused() -> None:
    check_text("serial", "x" * 1000)
    check_text("serial", None)
    with pytest.raises(Refused, match="serial: 1001 characters, at most 1000 are allowed"):
        check_text("serial", "x" * 1001)


def test_a_door_counts_all_and_tells_one_line_a_second(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    door = Door("trigger http", clock=lambda: now)
    answers: list[Exception] = []

    def bug() -> None:
        raise ZeroDivisionError("a bug\nof two lines")

    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            assert door.attempt(bug, refused=answers.append) is None
        now = 1.0
        assert door.attempt(lambda: 5) == 5
        door.refuse("too large")
    assert door.refused == 101
    assert len(answers) == 100
    assert [record.message for record in caplog.records] == [
        "trigger http: refused: unexpected ZeroDivisionError: a bug",
        "trigger http: refused: too large (and 99 more since the last line)",
    ]


def test_a_refusal_that_cannot_be_answered_is_still_one(caplog: pytest.LogCaptureFixture) -> None:
    def gone(error: Exception) -> None:
        raise OSError("gone")

    door = Door("broker")
    assert door.attempt(lambda: read_json(b"[", most_bytes=9), refused=gone) is None
    assert "and could not be answered: unexpected OSError: gone" in caplog.text
