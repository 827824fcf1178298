"""Data Docs of a whole dataset: every stored partition validated by itself.

An ingest documents the newest partition singly and the older ones of a delivery together, so that
a day costs little; this is the thorough round, on request.
"""

from collections.abc import Iterator

import polars as pl

from market.datasets import EVENT_TIME, SESSION, SYMBOL
from market.quality import flagged, inspect
from services.market_data import MarketData
from services.ports import DataQualityDocument


def document_partitions(market: MarketData, dataset: str) -> DataQualityDocument:
    """Validate every stored partition of `dataset` by itself, for people to read.

    Each is judged as the gate judges it, with the sessions before it around it; memory holds one
    partition at a time.
    """
    known = market.lake.state(dataset).dataset
    name = known.partition.key(pl.col(SESSION)).alias("name")
    spans = (
        market.lake.scan(dataset)
        .group_by(name)
        .agg(first=pl.col(SESSION).min(), last=pl.col(SESSION).max())
        .sort("name")
        .collect()
    )

    def judged() -> Iterator[tuple[str, pl.DataFrame]]:
        for partition, first, last in spans.iter_rows():
            stored = market.lake.scan(dataset, start=first, end=last).sort(EVENT_TIME, SYMBOL)
            batch = known.conform(stored.collect())
            around = market.intake.surroundings(known, batch)
            found = inspect(batch, dataset=known, rules=market.rules, around=around)
            yield partition, flagged(batch, found, dataset=known, rules=market.rules)

    return market.reporter.validate(known, judged(), market.rules)
