"""Wire the market data service from the settings."""

import csv
from pathlib import Path

from basics.clock import Clock
from infra.data_quality.expectations import ExpectationsReporter
from infra.data_quality.policy import load_rules
from infra.lake import ParquetLake, open_storage
from infra.settings import Settings
from infra.sources.sample import SampleSource
from services.market_data import MarketData

SECTORS = Path(__file__).parent / "sources" / "reference" / "sectors.csv"


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
        sectors=load_sectors(SECTORS),
    )


def load_sectors(path: Path) -> dict[str, str]:
    """Return the sector of each symbol of a reference table with columns symbol and sector."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["symbol"]: row["sector"] for row in csv.DictReader(file)}
