"""An LSTM autoencoder over windows of parts."""

from __future__ import annotations

from models.sequence._networks import WindowAutoencoder


class LstmAutoencoder(WindowAutoencoder):
    """Reads a window into a few numbers and writes it again (Malhotra 2016)."""

    name = "lstm_autoencoder"
    family = "sequence: recurrent autoencoder"
    variational = False
