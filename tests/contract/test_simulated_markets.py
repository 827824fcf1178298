"""The contract of the store of simulated markets, on a fake in memory and on the disk."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from infra.simulated_markets import DiskSimulatedMarkets
from market.simulated.multi_asset import SimulatedAssets, simulate_assets
from services.multi_asset import multi_asset_books
from services.multi_asset_rules import MultiAssetPlan
from services.ports import SimulatedMarkets

DAYS = np.arange(np.datetime64("2021-06-01"), np.datetime64("2022-04-01"))
SESSIONS = DAYS[np.is_busday(DAYS)]
PLAN = MultiAssetPlan(start=date(2021, 6, 1))


def _market(seed: int = 1) -> SimulatedAssets:
    return simulate_assets(np.random.default_rng(seed), SESSIONS, first_traded=PLAN.first_traded)


MARKET = _market()


class MemorySimulatedMarkets:
    def __init__(self) -> None:
        self.markets: dict[str, SimulatedAssets] = {}

    def load(self, key: str) -> SimulatedAssets | None:
        return self.markets.get(key)

    def save(self, key: str, market: SimulatedAssets) -> None:
        self.markets[key] = market


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SimulatedMarkets:
    if request.param == "memory":
        return MemorySimulatedMarkets()
    return DiskSimulatedMarkets(tmp_path / "markets")


def test_an_unknown_key_is_none(store: SimulatedMarkets) -> None:
    assert store.load("key") is None


def test_what_was_saved_comes_back_to_the_byte(store: SimulatedMarkets) -> None:
    store.save("key", MARKET)

    found = store.load("key")

    assert found is not None
    for name in ("first_traded", "instruments", "quarters", "actions", "label"):
        assert getattr(found, name) == getattr(MARKET, name), name
    assert list(found.instruments) == list(MARKET.instruments)
    np.testing.assert_array_equal(found.sessions, MARKET.sessions)
    for name in ("closes", "rates", "indices"):
        one, other = getattr(found, name), getattr(MARKET, name)
        assert one.symbols == other.symbols
        assert one["close"].tobytes() == other["close"].tobytes()
    for name in ("returns", "curves"):
        one, other = getattr(found, name), getattr(MARKET, name)
        assert list(one) == list(other)
        assert all(one[key].tobytes() == other[key].tobytes() for key in other)
    assert found.volatility.tobytes() == MARKET.volatility.tobytes()


def test_the_newest_of_a_key_stands(store: SimulatedMarkets) -> None:
    store.save("key", MARKET)
    store.save("key", _market(2))

    found = store.load("key")

    assert found is not None
    assert found.volatility.tobytes() == _market(2).volatility.tobytes()


@pytest.mark.parametrize("damage", ["torn", "one byte", "empty", "another's content"])
def test_a_damaged_file_is_refused_removed_and_simulated_again(damage: str, tmp_path: Path) -> None:
    store = DiskSimulatedMarkets(tmp_path)
    whole = multi_asset_books(PLAN, SESSIONS, seed=3, kept=store)
    (place,) = tmp_path.iterdir()
    content = place.read_bytes()
    place.write_bytes(
        {
            "torn": content[:-100],
            "one byte": content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
            "empty": b"",
            "another's content": b"PK" + content,
        }[damage]
    )

    again = multi_asset_books(PLAN, SESSIONS, seed=3, kept=store)

    assert again.run_id == whole.run_id
    assert place.read_bytes() == content


def test_books_on_a_kept_market_are_the_books_on_a_simulated_one(tmp_path: Path) -> None:
    store = DiskSimulatedMarkets(tmp_path)
    plain = multi_asset_books(PLAN, SESSIONS, seed=3)
    multi_asset_books(PLAN, SESSIONS, seed=3, kept=store)

    kept = multi_asset_books(PLAN, SESSIONS, seed=3, kept=store)

    assert (kept.run_id, kept.events) == (plain.run_id, plain.events)


def test_another_seed_or_another_session_is_another_market() -> None:
    store = MemorySimulatedMarkets()

    for seed, sessions in ((3, SESSIONS), (4, SESSIONS), (3, SESSIONS[:-1])):
        multi_asset_books(PLAN, sessions, seed=seed, kept=store)

    assert len(store.markets) == 3


def test_only_the_newest_markets_are_kept(tmp_path: Path) -> None:
    store = DiskSimulatedMarkets(tmp_path, max_markets=2)

    for k in range(4):
        store.save(f"key{k}", MARKET)

    assert [store.load(f"key{k}") is not None for k in range(4)] == [False, False, True, True]
    assert len(list(tmp_path.iterdir())) == 2
