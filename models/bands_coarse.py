"""Stains and uneven faces: details as wide as a patch."""

from __future__ import annotations

from models._band_model import BandModel
from models.base import Needs


class BandsCoarse(BandModel):
    """A memory of differences of Gaussians of sigma 8 to 32 px."""

    name = "bands_coarse"
    sigmas_px = (8.0, 12.0, 16.0, 24.0, 32.0)
    needs = Needs(minutes=0.08, memory_mb=750)
