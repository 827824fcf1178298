"""Wire the market data service from the settings."""

from dataclasses import replace

from basics.clock import Clock
from infra.data_quality.drawing import DrawingProcess, reporter_of
from infra.data_quality.owed import OwedDocuments, OwingReporter
from infra.data_quality.policy import load_rules
from infra.lake import ParquetLake, open_storage
from infra.reference import ReferenceTables
from infra.settings import Settings
from infra.sources.sample import SampleSource
from services.market_data import MarketData


def build_market_data(settings: Settings, clock: Clock) -> MarketData:
    """Return the service over the lake that the settings name."""
    tables = ReferenceTables.of(settings)
    sample = SampleSource(seed=settings.seed)
    return MarketData(
        lake=open_lake(settings, clock),
        sources={sample.name: sample},
        rules=load_rules(settings.policy_dir),
        reporter=reporter_of(settings),
        clock=clock,
        sectors=tables.sectors(),
        universes=tables.universes(),
        tickers=tables.tickers(),
        sector_history=tables.sector_history(),
    )


def documented_beside(market: MarketData, settings: Settings) -> MarketData:
    """Return the service with its Data Docs drawn by a process beside, old debts included."""
    reporter, drawing = reporter_of(settings), DrawingProcess(settings)
    if OwedDocuments(reporter.docs_dir):
        drawing.start()
    return replace(market, reporter=OwingReporter(reporter, drawing.start))


def open_lake(settings: Settings, clock: Clock) -> ParquetLake:
    """Return the lake that the settings name."""
    location = settings.lake.url or settings.state_dir / "lake"
    return ParquetLake(open_storage(location), clock)
