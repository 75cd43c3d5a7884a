"""Specks and hairlines: details up to two pixels wide."""

from __future__ import annotations

from models._band_model import BandModel
from models.base import Needs


class BandsFine(BandModel):
    """A memory of differences of Gaussians of sigma 0 to 2 px."""

    name = "bands_fine"
    sigmas_px = (0.0, 0.5, 1.0, 1.5, 2.0)
    needs = Needs(minutes=0.07, memory_mb=750)
