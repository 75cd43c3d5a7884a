"""GRU over the stream of parts."""

from __future__ import annotations

from models.sequence._networks import RecurrentPredictor


class Gru(RecurrentPredictor):
    """A gated recurrent unit (Cho 2014) predicts the next part from the last ones."""

    name = "gru"
    cell = "GRU"
