"""LSTM over the stream of parts."""

from __future__ import annotations

from models.sequence._networks import RecurrentPredictor


class Lstm(RecurrentPredictor):
    """A long short-term memory (Hochreiter and Schmidhuber 1997) predicts the next part."""

    name = "lstm"
    cell = "LSTM"
