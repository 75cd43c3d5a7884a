"""What the buttons of the products page do: noted in the record first, done then, and all shown anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from inspection.station import products
from inspection.station.station_file import read_station
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.drafts import move_drafts
from ui.core.panel import asker, done, request_of, table_value
from ui.core.restart import restart_due
from ui.pages.products.cards import FIGURES, cards
from ui.security.users import Role

API = "/api/engineer/products"


class Handlers:
    """Each public method answers an event; those that change something give `shown` of the panel."""

    def __init__(self, context: Context) -> None:
        self.context, self.path = context, context.station_path

    async def show(self, event: gr.Request, select: str | None = None) -> list[Any]:
        """First steps while nothing can be judged; cards, figures, choice, and whether a restart is due."""
        me = asker(self.context, event, Role.ENGINEER)
        found = await asyncio.to_thread(cards, self.context)
        names = [card.name for card in found]
        untaught = all(card.recipe_id is None for card in found)
        return [
            gr.update(value=me.say("products.first_steps"), visible=untaught),
            [(card.picture, card.caption(me.wording)) for card in found],
            table_value(
                [me.say(f"products.{figure}") for figure in FIGURES],
                [card.row(me.wording) for card in found],
            ),
            gr.update(choices=names, value=select if select in names else names[0]),
            *restart_due(self.context, me.language),
        ]

    async def add(self, name: str, event: gr.Request) -> list[Any]:
        """Add a product without a recipe."""
        make = partial(products.add_product, self.path, name)
        return await self._change(event, ActionKind.PRODUCT_ADDED, make, name)

    async def copy(self, source: str, name: str, event: gr.Request) -> list[Any]:
        """Add a product with another's recipe."""
        make = partial(products.copy_product, self.path, source, name)
        return await self._change(event, ActionKind.PRODUCT_ADDED, make, name, source=source)

    async def rename(self, old: str, new: str, event: gr.Request) -> list[Any]:
        """Rename a product, and what is being prepared for it on the set-up page."""

        def make() -> None:
            products.rename_product(self.path, old, new)
            for view in self.context.settings.views:
                move_drafts(self.context.folder, view.name, old, new.strip())

        return await self._change(event, ActionKind.PRODUCT_RENAMED, make, new, **{"from": old})

    async def archive(self, name: str, event: gr.Request) -> list[Any]:
        """Archive a product, or take it back."""
        away = products.product_named(read_station(self.path), name).archived
        kind = ActionKind.PRODUCT_RESTORED if away else ActionKind.PRODUCT_ARCHIVED
        make = partial(products.archive_product, self.path, name, archived=not away)
        return await self._change(event, kind, make, name)

    async def import_(self, upload: str, name: str, event: gr.Request) -> list[Any]:
        """Add a product with a recipe file from elsewhere."""
        file = Path(upload)

        async def named() -> str:
            return await asyncio.to_thread(products.import_name, file, name)

        wanted = await done(named)
        make = partial(products.import_product, self.path, file, wanted)
        try:
            return await self._change(event, ActionKind.PRODUCT_ADDED, make, wanted, file=file.name)
        finally:
            file.unlink(missing_ok=True)

    def pick(self, event: gr.SelectData) -> str:
        """The product whose card was clicked."""
        return read_station(self.path).product_names[int(event.index)]

    def link(self, product: str | None) -> Any:
        """Lead the export button to the chosen product's recipe."""
        return gr.update(link=f"{API}/export?product={quote(product or '')}")

    async def _change(
        self, event: gr.Request, kind: ActionKind, make: Callable[[], Any], name: str, **about: Any
    ) -> list[Any]:
        name = name.strip()

        async def noted() -> None:
            async with audited(self.context, request_of(event), kind, product=name, **about):
                await asyncio.to_thread(make)

        await done(noted)
        return await self.show(event, name)
