"""Tables of the night's books: whether the number behind each book's limits can be trusted."""

from collections.abc import Iterator, Sequence

from infra.report import cells, formats
from infra.report.page import Cell, Table
from infra.report.risk_tables import ZONE_TONES
from risk.nightly import HEADLINE_METHOD, NightRow
from risk.tested import MethodEvidence
from services.portfolios import label_of
from services.report import Tone

_NAMES = {
    "kupiec": "Kupiec (too many exceeded?)",
    "christoffersen": "Christoffersen (in clusters?)",
    "coverage": "both together",
    "basel_zone": "Basel zone",
    "frtb_multiplier": "FRTB multiplier",
    "fissler_ziegel": "Fissler-Ziegel loss",
    "dynamic_quantile": "dynamic quantile (foreseeable?)",
    "acerbi_szekely_z1": "Acerbi-Szekely Z1",
    "acerbi_szekely_z2": "Z2",
    "acerbi_szekely_z3": "Z3 (shortfall too small?)",
    "model_confidence_set": "model confidence set",
}


def name_of_test(name: str) -> str:
    """Return the name of a test as it is shown, with its question where it has one."""
    return _NAMES[name]


def books_evidence_table(rows: Sequence[NightRow], *, confidence: float) -> Table:
    """Return, for each book tested in full, its limits' estimator and the best of all."""
    level = formats.confidence(confidence)
    titles = ("book", "estimator", "zone")
    tests = ("Kupiec p", "indep. p", "DQ p", "Z1 p", "Z2 p", "Z3 p")
    numbers = (f"VaR {level}", f"ES {level}", "exceeded", "expected", *tests, "loss")
    return Table(
        title=f"Are the books' numbers to be trusted? ({level}, one day)",
        columns=cells.columns(*titles, *numbers, words=3),
        rows=[
            _cells(row.name if first else "", item)
            for row in rows
            for first, item in _shown(row, confidence)
        ],
        note=f"For each book the estimator behind its limits, and the best scored (★) where that "
        f"is another; + is not told from the best at 10%. {_bases(rows)} Under 0.05 (amber): "
        "forecast and outcome disagree.",
    )


def _shown(row: NightRow, confidence: float) -> Iterator[tuple[bool, MethodEvidence]]:
    """Yield the estimator behind the limits and the best, each with whether it is the first."""
    tested = row.evidence.methods if row.evidence is not None else ()
    at = [item for item in tested if item.confidence == confidence]
    found = [item for item in at if item.method == HEADLINE_METHOD]
    found += [item for item in at if item.best and item.method != HEADLINE_METHOD]
    for place, item in enumerate(found):
        yield place == 0, item


def _cells(book: str, item: MethodEvidence) -> list[Cell]:
    test = item.backtest
    mark = "★ " if item.best else "+ " if item.in_confidence_set else ""
    p_values = (test.kupiec_p, test.independence_p, test.dynamic_quantile_p)
    return [
        cells.text(label_of(book) if book else ""),
        cells.text(mark + formats.title(item.method)),
        Cell(test.zone, ZONE_TONES.get(test.zone, Tone.PLAIN)),
        cells.money(item.value_at_risk),
        cells.money(item.expected_shortfall),
        cells.whole(test.exceedances),
        cells.number(test.expected, digits=1),
        *(cells.p_value(p) for p in (*p_values, test.z1_p, test.z2_p, test.z3_p)),
        cells.number(test.fissler_ziegel, digits=3),
    ]


def _bases(rows: Sequence[NightRow]) -> str:
    """Say on what each was tested, once for the books that share it."""
    by_basis: dict[str, list[str]] = {}
    for row in rows:
        if row.evidence is not None:
            by_basis.setdefault(row.evidence.basis, []).append(label_of(row.name))
    return " ".join(f"{', '.join(names)}: {basis}." for basis, names in by_basis.items())
