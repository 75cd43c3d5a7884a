"""The record of judged parts, and the only home of the database library."""

from inspection.store.chain import Head
from inspection.store.errors import (
    RecordRefused,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreUnavailable,
)
from inspection.store.records import NewPart, PartEvent, PartRecord
from inspection.store.store import Store, open_store

__all__ = [
    "Head",
    "NewPart",
    "PartEvent",
    "PartRecord",
    "RecordRefused",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreForeign",
    "StoreFull",
    "StoreUnavailable",
    "open_store",
]
