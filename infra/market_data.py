"""Wire the market data service from the settings."""

from basics.clock import Clock
from infra.data_quality.expectations import ExpectationsReporter
from infra.data_quality.policy import load_rules
from infra.lake import ParquetLake, open_storage
from infra.reference import ReferenceTables
from infra.settings import Settings
from infra.sources.sample import SampleSource
from services.market_data import MarketData


def build_market_data(settings: Settings, clock: Clock) -> MarketData:
    """Return the service over the lake that the settings name."""
    state = settings.state_dir
    tables = ReferenceTables.of(settings)
    sample = SampleSource(seed=settings.seed)
    return MarketData(
        lake=open_lake(settings, clock),
        sources={sample.name: sample},
        rules=load_rules(settings.policy_dir),
        reporter=ExpectationsReporter(state / "data-docs", state / "quarantine"),
        clock=clock,
        sectors=tables.sectors(),
        universes=tables.universes(),
        tickers=tables.tickers(),
        sector_history=tables.sector_history(),
    )


def open_lake(settings: Settings, clock: Clock) -> ParquetLake:
    """Return the lake that the settings name."""
    location = settings.lake.url or settings.state_dir / "lake"
    return ParquetLake(open_storage(location), clock)
