"""A variational LSTM autoencoder over windows of parts."""

from __future__ import annotations

from models.sequence._networks import WindowAutoencoder


class VaeLstm(WindowAutoencoder):
    """A variational autoencoder with LSTMs: rebuilding, and how unusual the kind of window is (Park 2018)."""

    name = "vae_lstm"
    family = "sequence: recurrent variational autoencoder"
    variational = True
