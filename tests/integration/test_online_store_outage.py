"""The online store while its Redis dies and comes back: no update fails, no answer is stale."""

import asyncio
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import SecretStr

from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.operators import mean, returns
from infra.bootstrap import Desk, open_desk
from infra.servers.redis import redis_server
from infra.setting_groups import CacheSettings
from infra.settings import Settings
from market.calendars import exchange_calendar
from market.datasets import Dataset

CLOSE = field("close")
OWN = FeatureSet(
    "own", 1, (Feature("ratio", CLOSE / mean(CLOSE, 5)), Feature("move", returns(CLOSE, 1)))
)
DATASET = Dataset(name="bars", fields=("close",), calendar="XNYS")
DAYS = exchange_calendar("XNYS").sessions(date(2022, 1, 3), date(2022, 3, 1)).to_list()
PAST, LIVE = DAYS[:-1], DAYS[-1]
SYMBOLS = ("A", "B")


def _history() -> pl.DataFrame:
    stamps = [datetime.combine(day, time(21), tzinfo=UTC) for day in PAST]
    frames = [
        pl.DataFrame(
            {
                "symbol": symbol,
                "session": PAST,
                "event_time": stamps,
                "knowledge_time": stamps,
                "close": [50.0 + 10 * i + n for n in range(len(PAST))],
            }
        )
        for i, symbol in enumerate(SYMBOLS)
    ]
    return DATASET.conform(pl.concat(frames))


def _step(desk: Desk, close: float) -> tuple[frozenset[str], str]:
    """Send a bar of A; its newest features must be those of a batch. Return what was cached."""
    before = desk.market_data.panel("bars", fields=("close",))["close"][0]
    desk.run(desk.online_store.take("bars", LIVE, {"A": {"close": close}}))
    found = desk.run(desk.online_store.latest(OWN, "bars", ["A"]))

    expected = [close / np.mean([*before[-4:], close]), close / before[-1] - 1.0]
    np.testing.assert_allclose(found.vectors["A"].values, expected, rtol=1e-12)
    return found.cached, desk.run(desk.cache.status()).mode


def test_redis_dies_and_comes_back_while_features_are_updated(tmp_path: Path) -> None:
    with redis_server() as server:
        settings = Settings(
            state_dir=tmp_path,
            cache=CacheSettings(
                url=SecretStr(server.url), timeout_seconds=5, breaker_open_seconds=0.05
            ),
        )
        with open_desk(settings) as desk:
            desk.market_data.lake.append(DATASET, _history())
            desk.run(desk.online_store.latest(OWN, "bars"))
            sound = [_step(desk, 100.0 + n) for n in range(3)]
            server.stop()
            gone = [_step(desk, 200.0 + n) for n in range(5)]
            server.start()
            desk.run(asyncio.sleep(0.1))
            _step(desk, 300.0)  # Finds the server, and puts what it tells back.
            again = [_step(desk, 301.0 + n) for n in range(3)]

    assert {mode for _, mode in sound} == {"real"}
    assert all("A" in cached for cached, _ in sound)
    assert gone == [(frozenset(), "degraded")] * 5
    assert all("A" in cached for cached, _ in again)
    assert {mode for _, mode in again} == {"real"}
