"""The contour of a place of a part, as pages draw it over the picture; of an old part that has none, its box."""

from __future__ import annotations

from inspection.judgement import Region
from inspection.store import PartRecord
from ui.core.html import Html, pieces, tag


def points_of(region: Region) -> str:
    """Its corners as SVG writes them."""
    return " ".join(f"{x:g},{y:g}" for x, y in region.corners)


def kind_of(region: Region, record: PartRecord) -> str:
    """The class of its line: accepted, or the verdict of its part."""
    return "accepted" if region.accepted else record.verdict.value


def outlines(record: PartRecord) -> Html:
    """Polygons of all places, each on a wider one below it, so that it stands out of any picture."""
    return pieces(
        *(
            tag("polygon", points=points_of(region), cls=name)
            for region in record.regions
            for name in ("under", kind_of(region, record))
        )
    )
