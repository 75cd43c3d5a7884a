"""Scratches, pores and print: details a few pixels wide."""

from __future__ import annotations

from models._band_model import BandModel
from models.base import Needs


class BandsMiddle(BandModel):
    """A memory of differences of Gaussians of sigma 2 to 8 px."""

    name = "bands_middle"
    sigmas_px = (2.0, 3.0, 4.0, 6.0, 8.0)
    needs = Needs(minutes=0.09, memory_mb=750)
