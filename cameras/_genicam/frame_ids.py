"""The frame ids of a GenICam camera: what a jump in them says."""

from __future__ import annotations

_LAST_16_BIT_ID = 65_535


def frames_between(previous_id: int | None, frame_id: int) -> int:
    """How many pictures lie between two frame ids of one session.

    Ids of 16 bits wrap from 65535 to 1; an id that goes back must have wrapped. A camera that
    repeats its id does not count at all, so nothing is known to be missing.
    """
    if previous_id is None or frame_id == previous_id:
        return 0
    if frame_id > previous_id:
        return frame_id - previous_id - 1
    return (frame_id - previous_id) % _LAST_16_BIT_ID - 1
