"""The pages there are: every folder of `ui/pages`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from ui import pages
from ui.core.page import Page
from ui.security.users import Role


def find_pages() -> dict[Page, ModuleType]:
    """Each page's declaration `PAGE` and the module that has it."""
    modules = [
        import_module(f"{pages.__name__}.{folder.name}.routes")
        for folder in iter_modules(pages.__path__)
    ]
    return {module.PAGE: module for module in modules}


def links_for(role: Role, pages: Iterable[Page]) -> list[dict[str, str]]:
    """The links a person of a role sees, in their order: name, path and the key of its words."""
    return [
        {"name": page.name, "path": page.path, "label": page.label}
        for page in sorted(pages, key=lambda page: page.order)
        if page.label is not None and role.at_least(page.role)
    ]
