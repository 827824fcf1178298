"""The nightly run over all portfolios: measure, keep, and report what failed.

A flow passes the `map` of its engine (processes, Dask, or the builtin) and this module neither
knows nor cares. Chunks are kept as they come (`services.night_store`), so a run that is killed
goes on where it stood, and one that is repeated ends in the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec

from basics.errors import MissingDataError
from risk.limits import Limit
from risk.nightly import NightBooks, NightFailure, NightMarket, NightRow, measure_books
from risk.score import Level
from risk.stress import StressResult, StressScenario, run_stress
from services.night_evidence import NightEvidence, with_evidence
from services.night_store import Batch, EngineMap, run_batch
from services.ports import JsonDocument, ResultStore
from services.weekly_risk import WeeklyStamp, weekly_stamps

NIGHT_KIND = "risk.nightly"
NIGHT_STRESS_KIND = "stress.nightly"
NIGHT_SUMMARY_KIND = "risk.night"
SUMMARY_SCOPE = "all"
NO_LIVES = NightEvidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPolicy:
    """What every chunk of one night is judged by.

    Attributes
    ----------
    previous : mapping of book to Level
        Of the session before, for the hysteresis; empty where none was measured.
    """

    limits: Sequence[Limit]
    scenarios: Sequence[StressScenario]
    as_of: date
    window: int = 500
    previous: Mapping[str, Level] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightChunk:
    """One task: some books, the shared market, the policy. It can be pickled.

    Attributes
    ----------
    evidence : NightEvidence
        Which of the books carry every test, beside those that the night affords for all.
    """

    books: NightBooks
    market: NightMarket
    policy: NightPolicy
    evidence: NightEvidence = NO_LIVES


@dataclass(frozen=True, slots=True, kw_only=True)
class NightStress:
    """One book under every scenario that is written down."""

    name: str
    stresses: tuple[StressResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What the night measured, the riskiest book first, and what it could not.

    Attributes
    ----------
    measured : int
        How many books this run measured; the others stood from a run before.
    weekly : mapping of book to WeeklyStamp
        What the last long run up to the date says of each, beside the row and no part of it.
    """

    as_of: date
    rows: tuple[NightRow, ...]
    failures: tuple[NightFailure, ...]
    measured: int = 0
    weekly: Mapping[str, WeeklyStamp] = field(default_factory=dict)

    def summary(self) -> JsonDocument:
        """Return the table that a risk manager reads, as plain values."""
        return {
            "as_of": self.as_of,
            "n_books": len(self.rows) + len(self.failures),
            "n_measured": len(self.rows),
            "levels": self.levels(),
            "riskiest": [
                {
                    "name": row.name,
                    "score": row.score,
                    "level": row.level,
                    "level_reason": row.level_reason,
                    "limit_state": row.limit_state,
                    "breached": list(row.breached[:5]),
                    "worst_stress": max(row.stresses, key=row.stresses.__getitem__, default=None),
                }
                for row in self.rows[:20]
            ],
            "failures": [{"name": f.name, "reason": f.reason} for f in self.failures],
        }

    def levels(self) -> Mapping[str, int]:
        """Return how many books are at each level."""
        return {
            level: sum(row.level == level for row in self.rows)
            for level in ("LOW", "MEDIUM", "HIGH", "CRITICAL")
        }


def previous_levels(results: ResultStore, *, before: date) -> dict[str, Level]:
    """Return each book's level of the last night ahead of `before`, empty if there was none."""
    try:
        until = before - timedelta(days=1)
        night = results.latest(NIGHT_SUMMARY_KIND, SUMMARY_SCOPE, until=until).desk_date
    except MissingDataError:
        return {}
    rows = results.of_day(NIGHT_KIND, night)
    return {row.scope: Level(row.payload["level"]) for row in rows if "level" in row.payload}


def measure_chunk(chunk: NightChunk) -> tuple[tuple[NightRow, ...], tuple[NightFailure, ...]]:
    """Measure one chunk; the function that an engine maps."""
    policy, books = chunk.policy, chunk.books
    sound = [name for at, name in enumerate(books.names) if books.reason_to_fail(at) is None]
    found = {name: chunk.evidence.of(name) for name in sound}
    rows, failures = measure_books(
        books,
        chunk.market,
        limits=policy.limits,
        scenarios=policy.scenarios,
        as_of=policy.as_of,
        window=policy.window,
        previous=policy.previous,
        tested={name: evidence for name, (evidence, _) in found.items() if evidence is not None},
    )
    return tuple(with_evidence(row, *found[row.name]) for row in rows), failures


def stress_chunk(chunk: NightChunk) -> tuple[tuple[NightStress, ...], tuple[NightFailure, ...]]:
    """Stress one chunk, with contributions by position; the function that an engine maps."""
    books, state = chunk.books, chunk.market.state
    ready = [scenario for scenario in chunk.policy.scenarios if scenario.is_ready]
    rows, failures = [], []
    for at, name in enumerate(books.names):
        reason = books.reason_to_fail(at)
        if reason is not None:
            failures.append(NightFailure(name, reason))
            continue
        results = run_stress(ready, state, books.exposures[at], equity=float(books.equity[at]))
        rows.append(NightStress(name=name, stresses=results))
    return tuple(rows), tuple(failures)


def nightly_risk(
    batch: Batch,
    market: NightMarket,
    policy: NightPolicy,
    results: ResultStore,
    *,
    engine: EngineMap = map,
    evidence: NightEvidence = NO_LIVES,
) -> NightReport:
    """Measure every book that does not stand, keep all, and the night's summary last.

    The highest score comes first.

    Parameters
    ----------
    evidence : NightEvidence
        What the books whose life is known are tested with.
    """
    found = run_batch(
        batch,
        measure_chunk,
        lambda books: NightChunk(books=books, market=market, policy=policy, evidence=evidence),
        results,
        form=NightRow,
        engine=engine,
    )
    report = NightReport(
        as_of=batch.as_of,
        rows=tuple(sorted(found.rows, key=lambda row: (-row.score, row.name))),
        failures=found.failures,
        measured=found.measured,
        weekly=weekly_stamps(results, until=batch.as_of),
    )
    summary = msgspec.to_builtins(report.summary())
    results.put(NIGHT_SUMMARY_KIND, SUMMARY_SCOPE, batch.as_of, summary, batch.lineage)
    return report


def nightly_stress(
    batch: Batch,
    market: NightMarket,
    policy: NightPolicy,
    results: ResultStore,
    *,
    engine: EngineMap = map,
) -> tuple[tuple[NightStress, ...], tuple[NightFailure, ...]]:
    """Stress every book that does not stand, and keep all."""
    found = run_batch(
        batch,
        stress_chunk,
        lambda books: NightChunk(books=books, market=market, policy=policy),
        results,
        form=NightStress,
        engine=engine,
    )
    return found.rows, found.failures
