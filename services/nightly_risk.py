"""The nightly run over all portfolios: split, measure, keep, and report what failed.

Plain functions: a flow passes the `map` of its engine (processes, Dask, or the builtin) and this
module neither knows nor cares. Chunks are independent and documents are stored by (portfolio,
date), so a run that is repeated or resumed ends in the same rows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import msgspec

from basics.errors import InvalidInputError
from risk.limits import Limit
from risk.nightly import NightBooks, NightFailure, NightMarket, NightRow, measure_books
from risk.stress import StressScenario, run_stress
from services.ports import JsonDocument, ResultStore

NIGHT_KIND = "risk.nightly"
NIGHT_STRESS_KIND = "stress.nightly"
NIGHT_SUMMARY_KIND = "risk.night"
SUMMARY_SCOPE = "all"
DEFAULT_CHUNK = 100
MAX_CHUNK = 5_000


class EngineMap(Protocol):
    """Applies a function to each item, in order: `map`, an executor's `map`, a client's."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]:
        """Return the results in the order of the items."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPolicy:
    """What every chunk of one night is judged by."""

    limits: Sequence[Limit]
    scenarios: Sequence[StressScenario]
    as_of: date
    window: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NightChunk:
    """One task: some books, the shared market, the policy. It can be pickled."""

    books: NightBooks
    market: NightMarket
    policy: NightPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What the night measured, the riskiest book first, and what it could not."""

    as_of: date
    rows: tuple[NightRow, ...]
    failures: tuple[NightFailure, ...]

    def summary(self) -> JsonDocument:
        """Return the table that a risk manager reads, as plain values."""
        return {
            "as_of": self.as_of,
            "n_books": len(self.rows) + len(self.failures),
            "n_measured": len(self.rows),
            "levels": {
                level: sum(row.level == level for row in self.rows)
                for level in ("LOW", "MEDIUM", "HIGH", "CRITICAL")
            },
            "riskiest": [
                {
                    "name": row.name,
                    "score": row.score,
                    "level": row.level,
                    "limit_state": row.limit_state,
                    "breached": list(row.breached[:5]),
                    "worst_stress": max(row.stresses.items(), key=lambda pair: pair[1])[0],
                }
                for row in self.rows[:20]
            ],
            "failures": [{"name": f.name, "reason": f.reason} for f in self.failures],
        }


def night_chunks(
    books: NightBooks, market: NightMarket, policy: NightPolicy, *, size: int = DEFAULT_CHUNK
) -> Iterator[NightChunk]:
    """Split the books into tasks of `size`.

    Raises
    ------
    InvalidInputError
        If `size` is not within 1 to MAX_CHUNK.
    """
    if not 1 <= size <= MAX_CHUNK:
        raise InvalidInputError(f"a chunk holds 1 to {MAX_CHUNK} books, got {size}")
    for start in range(0, len(books.names), size):
        yield NightChunk(books=books.chunk(start, start + size), market=market, policy=policy)


def measure_chunk(chunk: NightChunk) -> tuple[tuple[NightRow, ...], tuple[NightFailure, ...]]:
    """Measure one chunk; the function that an engine maps."""
    policy = chunk.policy
    return measure_books(
        chunk.books,
        chunk.market,
        limits=policy.limits,
        scenarios=policy.scenarios,
        as_of=policy.as_of,
        window=policy.window,
    )


def nightly_risk(
    chunks: Iterable[NightChunk], *, as_of: date, engine: EngineMap = map
) -> NightReport:
    """Measure every chunk on `engine`; rows come back with the highest score first."""
    rows: list[NightRow] = []
    failures: list[NightFailure] = []
    for measured, failed in engine(measure_chunk, chunks):
        rows.extend(measured)
        failures.extend(failed)
    rows.sort(key=lambda row: (-row.score, row.name))
    return NightReport(as_of=as_of, rows=tuple(rows), failures=tuple(failures))


def store_night(report: NightReport, results: ResultStore, *, lineage: JsonDocument) -> None:
    """Keep a document for each book and one summary; a second run replaces them by the same."""
    for row in report.rows:
        results.put(NIGHT_KIND, row.name, report.as_of, msgspec.to_builtins(row), lineage)
    summary = msgspec.to_builtins(report.summary())
    results.put(NIGHT_SUMMARY_KIND, SUMMARY_SCOPE, report.as_of, summary, lineage)


def nightly_stress(chunk: NightChunk) -> tuple[tuple[str, JsonDocument], ...]:
    """Stress every sound book of a chunk, with contributions by position: (name, document)."""
    documents = []
    books, state = chunk.books, chunk.market.state
    given = [scenario for scenario in chunk.policy.scenarios if scenario.is_given]
    for name, exposures, equity in zip(books.names, books.exposures, books.equity, strict=True):
        results = run_stress(given, state, exposures, equity=float(equity))
        documents.append((name, {"stresses": msgspec.to_builtins(results)}))
    return tuple(documents)
