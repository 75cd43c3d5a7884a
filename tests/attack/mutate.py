"""Malformed inputs from good ones: the same for the same seed, so that what fell can be sent again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

BOMBS = (
    b"[" * 1100, b'{"a":' * 800, b"9" * 4301, b"-" + b"9" * 400, b"\xff" * 64, b"\0" * 64, b"NaN", b"1e999",
    b'"\\ud800"', b"%n%s%x", b"../" * 40, b"\r\n" * 20, "٣".encode() * 10, b"'; DROP TABLE parts; --", b"",
)  # fmt: skip
"""What parsers fell over, here or elsewhere."""


def mutated(seeds: Sequence[bytes], count: int, *, seed: int) -> Iterator[bytes]:
    """Give `count` inputs: seeds with bytes changed, taken out, doubled and bombs put in."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            _change(data, chance)
        yield bytes(data)


def _change(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    kind = chance.randrange(7)
    if kind == 0 and data:
        data[at % len(data)] = chance.randrange(256)
    elif kind == 1 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif kind == 2:
        del data[at : at + chance.randint(1, 30)]
    elif kind == 3:
        data[at:at] = chance.choice(BOMBS)
    elif kind == 4:
        data[at:at] = data[at : at + chance.randint(1, 60)]
    elif kind == 5:
        del data[at:]
    else:
        data[at:at] = chance.randbytes(chance.randint(1, 20))
