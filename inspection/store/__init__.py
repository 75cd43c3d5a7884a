"""The record of judged parts, and the only home of the database library."""

from inspection.store.chain import ChainHead
from inspection.store.errors import (
    RecordRefused,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreOutdated,
    StoreUnavailable,
)
from inspection.store.journal import NotedTrigger
from inspection.store.outbox import RefusedResult
from inspection.store.pictures.archive import encode_picture
from inspection.store.records import (
    Action,
    NewPart,
    PartEvent,
    PartRecord,
    StagedPicture,
    reject_detail,
)
from inspection.store.retention import Retained, RetentionPolicy, retain
from inspection.store.store import Store, open_store, open_to_read

__all__ = [
    "Action",
    "ChainHead",
    "NewPart",
    "NotedTrigger",
    "PartEvent",
    "PartRecord",
    "RecordRefused",
    "RefusedResult",
    "Retained",
    "RetentionPolicy",
    "StagedPicture",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreForeign",
    "StoreFull",
    "StoreOutdated",
    "StoreUnavailable",
    "encode_picture",
    "open_store",
    "open_to_read",
    "reject_detail",
    "retain",
]
