"""The weekly long run over all books, resumable like the night (`services.night_store`)."""

from dataclasses import asdict, dataclass, replace
from datetime import date

from basics.errors import MissingDataError
from risk.nightly import NightBooks, NightFailure, NightMarket
from risk.weekly import WeeklyRow, WeeklyTerms, measure_weekly
from services.night_store import Batch, EngineMap, read_batch, run_batch, standing
from services.ports import ResultStore

WEEKLY_KIND = "risk.weekly"
WEEKLY_SUMMARY_KIND = "risk.week"
SUMMARY_SCOPE = "all"
# Large chunks share one estimate of the market among many books, which is most of the work.
WEEKLY_CHUNK = 250
# Of a test that is counted as a rejection.
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyChunk:
    """One task: some books, the shared market, the terms. It can be pickled."""

    books: NightBooks
    market: NightMarket
    terms: WeeklyTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReport:
    """What the long run found, and how many books it measured this time."""

    as_of: date
    rows: tuple[WeeklyRow, ...]
    failures: tuple[NightFailure, ...]
    measured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyStamp:
    """What the last long run says of a book, short enough to stand beside a row of the night.

    Attributes
    ----------
    best : str
        Estimator of the lowest loss at the highest confidence.
    n_methods, kupiec_rejected, z2_rejected : int
        Estimators at that confidence, and how many each test rejects at 5%.
    """

    as_of: date
    n_days: int
    best: str
    n_methods: int
    kupiec_rejected: int
    z2_rejected: int


def weekly_stamps(results: ResultStore, *, until: date) -> dict[str, WeeklyStamp]:
    """Return the stamp of every book that the last long run up to `until` measured."""
    try:
        last = results.latest(WEEKLY_SUMMARY_KIND, SUMMARY_SCOPE, until=until)
    except MissingDataError:
        return {}
    rows, _ = read_batch(results, WEEKLY_KIND, last.desk_date, lineage=last.lineage, form=WeeklyRow)
    return {row.name: stamp_of(row, as_of=last.desk_date) for row in rows}


def stamp_of(row: WeeklyRow, *, as_of: date) -> WeeklyStamp:
    """Return the stamp of one book's long run."""
    top = max(item.confidence for item in row.methods)
    methods = [item for item in row.methods if item.confidence == top]
    tests = [item.backtest for item in methods]
    return WeeklyStamp(
        as_of=as_of,
        n_days=row.n_days,
        best=next(item.method for item in methods if item.best),
        n_methods=len(methods),
        kupiec_rejected=sum(test.kupiec_p < LEVEL for test in tests),
        z2_rejected=sum(test.z2_p is not None and test.z2_p < LEVEL for test in tests),
    )


def measure_chunk(chunk: WeeklyChunk) -> tuple[tuple[WeeklyRow, ...], tuple[NightFailure, ...]]:
    """Measure one chunk; the function that an engine maps."""
    return measure_weekly(chunk.books, chunk.market, terms=chunk.terms)


def weekly_risk(
    batch: Batch,
    market: NightMarket,
    terms: WeeklyTerms,
    results: ResultStore,
    *,
    engine: EngineMap = map,
) -> WeeklyReport:
    """Measure every book that does not stand by the same terms, keep all, the summary last."""
    batch = _by_terms(batch, terms)
    found = run_batch(
        batch,
        measure_chunk,
        lambda books: WeeklyChunk(books=books, market=market, terms=terms),
        results,
        form=WeeklyRow,
        engine=engine,
    )
    report = WeeklyReport(
        as_of=batch.as_of, rows=found.rows, failures=found.failures, measured=found.measured
    )
    results.put(WEEKLY_SUMMARY_KIND, SUMMARY_SCOPE, batch.as_of, summary_of(report), batch.lineage)
    return report


def weekly_stands(batch: Batch, terms: WeeklyTerms, results: ResultStore) -> bool:
    """Return whether the run's summary stands, computed from the same by the same terms."""
    summary = replace(_by_terms(batch, terms), kind=WEEKLY_SUMMARY_KIND)
    return SUMMARY_SCOPE in set(standing(summary, results))


def _by_terms(batch: Batch, terms: WeeklyTerms) -> Batch:
    return replace(batch, lineage={**batch.lineage, "terms": asdict(terms)})


def summary_of(report: WeeklyReport) -> dict[str, object]:
    """Return how often each estimator scored best, and was rejected by each test at 5%."""
    methods: dict[str, dict[str, int]] = {}
    for row in report.rows:
        for item in row.methods:
            counts = methods.setdefault(
                item.method, {"best": 0, "in_confidence_set": 0, "kupiec": 0, "z2": 0, "tests": 0}
            )
            test = item.backtest
            counts["tests"] += 1
            counts["best"] += item.best
            counts["in_confidence_set"] += item.in_confidence_set
            counts["kupiec"] += test.kupiec_p < LEVEL
            counts["z2"] += test.z2_p is not None and test.z2_p < LEVEL
    return {
        "as_of": report.as_of,
        "n_books": len(report.rows) + len(report.failures),
        "n_measured": len(report.rows),
        "methods": methods,
        "failures": [{"name": f.name, "reason": f.reason} for f in report.failures],
    }
