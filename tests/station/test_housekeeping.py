"""Every hour the station keeps house: pictures by rule, answered triggers forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inspection.station import station
from inspection.station.station_file import Retention
from tests.station.conftest import wait_until


def test_old_answered_triggers_are_forgotten_and_rules_applied(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import inspection.store as store_module

    monkeypatch.setattr(station, "HOUR_S", 0.05)
    policies = []
    retain = store_module.retain

    def kept(store: Any, policy: Any, now: datetime) -> Any:
        policies.append(policy)
        return retain(store, policy, now)

    monkeypatch.setattr(store_module, "retain", kept)
    old = datetime.now(UTC) - timedelta(days=8)
    with build(retention=Retention(keep_every=10)) as built:
        assert built.trigger(trigger_id="old", at=old)
        built.settle(1)
        wait_until(lambda: bool(policies))
        assert policies[0].keep_every == 10
        assert policies[0].rejects_days is None
        assert not built.trigger(trigger_id="old")  # forgotten as a trigger, known as a part
