"""The tables as queries see them; `migrations` makes them."""

from __future__ import annotations

from sqlalchemy import TableClause, column, table


def _table(name: str, *columns: str) -> TableClause:
    return table(name, *(column(each) for each in columns))


# The steps applied to this database.
applied = _table("migrations", "number", "name", "applied_at")

# One row a chained table: how many rows it has and the hash of its last one.
chain = _table("chain", "name", "count", "hash")

# Numbered without gaps, each with the hash of the row before it. Every column but `hash` is hashed;
# The last three came later, see `chain.ADDED_LATER`.
parts = _table(
    "parts",
    "number", "format", "part_id", "serial", "lot", "station", "trigger_id", "product", "source",
    "verdict", "score", "p_value", "threshold", "reason", "recipe_id",
    "regions", "health", "latency_ms", "capture", "captured_at", "judged_at",
    "image", "image_sha256", "previous_hash", "hash",
    "reason_code", "reason_values", "process",
)  # fmt: skip

# What happened to a part after its verdict; chained in the same way.
events = _table(
    "events",
    "number", "format", "part_id", "kind", "who", "at", "detail", "previous_hash", "hash",
)  # fmt: skip

# What people did that is about no one part: signing in, putting a recipe on the line; chained too.
actions = _table(
    "actions", "number", "format", "kind", "who", "at", "detail", "previous_hash", "hash"
)

# Triggers taken, in that order; forgotten once answered. Working state, not chained.
triggers = _table(
    "triggers",
    "number",
    "trigger_id",
    "station",
    "source",
    "serial",
    "lot",
    "product",
    "at",
    "process",
)

# Parts an output has not taken yet; `refused` says why it never will. Working state, not chained.
outbox = _table("outbox", "output", "number", "refused")

# Parts whose picture was removed by rule, `done` once its file is gone. Working state, not chained:
# an event says the same under the hash.
removals = _table("removals", "number", "done")
