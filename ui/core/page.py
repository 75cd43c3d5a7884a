"""What a page declares of itself: where it is, who may open it, and its name at the top of the others."""

from __future__ import annotations

from dataclasses import dataclass

from ui.security.paths import role_for
from ui.security.users import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. Its folders are `ui/pages/NAME` and `ui/static/NAME`.

    Raises ValueError where the gate asks another role at the path: the path says who comes in.
    """

    name: str
    path: str
    role: Role
    label: str | None = None
    """Key of the words on its link; None: no link to it."""
    order: int = 100
    """Links are shown with the smallest first."""

    def __post_init__(self) -> None:
        if role_for(self.path) is not self.role:
            raise ValueError(
                f"page {self.name}: path {self.path!r} lets in the role {role_for(self.path)}, and "
                f"the page is for the role {self.role}: begin it with /engineer or /admin for these"
            )
