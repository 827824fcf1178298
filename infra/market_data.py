"""Wire the market data service from the settings."""

import csv
from datetime import date, datetime
from pathlib import Path

from basics.clock import Clock
from basics.errors import InvalidInputError
from infra.data_quality.expectations import ExpectationsReporter
from infra.data_quality.policy import load_rules
from infra.lake import ParquetLake, open_storage
from infra.settings import Settings
from infra.sources.sample import SampleSource
from market.reference import Membership, Universe, universe
from services.market_data import MarketData

REFERENCE = Path(__file__).parent / "sources" / "reference"


def build_market_data(settings: Settings, clock: Clock) -> MarketData:
    """Return the service over the lake that the settings name."""
    state = settings.state_dir
    location = settings.lake.url or state / "lake"
    sample = SampleSource(seed=settings.seed)
    return MarketData(
        lake=ParquetLake(open_storage(location), clock),
        sources={sample.name: sample},
        rules=load_rules(settings.policy_dir),
        reporter=ExpectationsReporter(state / "data-docs", state / "quarantine"),
        clock=clock,
        sectors=load_sectors(REFERENCE / "sectors.csv"),
        universes=load_universes(REFERENCE / "universes.csv"),
    )


def load_sectors(path: Path) -> dict[str, str]:
    """Return the sector of each symbol of a reference table with columns symbol and sector."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["symbol"]: row["sector"] for row in csv.DictReader(file)}


def load_universes(path: Path) -> dict[str, Universe]:
    """Return the universes of a table: universe, symbol, first, last (empty: runs), known_at.

    Raises
    ------
    InvalidInputError
        If a row has no dates; the message names it.
    """
    with path.open(encoding="utf-8", newline="") as file:
        members = [_membership(row, path) for row in csv.DictReader(file)]
    return {name: universe(name, members) for name in sorted({m.universe for m in members})}


def _membership(row: dict[str, str], path: Path) -> Membership:
    try:
        return Membership(
            universe=row["universe"],
            symbol=row["symbol"],
            first=date.fromisoformat(row["first"]),
            last=date.fromisoformat(row["last"]) if row["last"] else None,
            known_at=datetime.fromisoformat(row["known_at"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{path.name}: {row} is no membership: {error}") from None
