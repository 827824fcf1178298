"""Why a portfolio earned another return than its benchmark: Brinson's effects, linked over time.

The benchmark is the mean of the symbols that the portfolio may trade, weighted anew each session.
Weights are those at the start of a session, cash a holding of its own, and a holding earns what
its closing prices say; what trading within the session added or cost (execution, fees,
financing) is the difference to the booked return, an effect of its own. A long-short book may
hold next to nothing of a sector, where selection and interaction are large and opposite: they are
shown as one, as selection, unless asked apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from pnl.brinson import AllocationModel, BrinsonEffects, HoldingSeries, brinson
from pnl.daily import DailyBooks
from pnl.linking import Linking, geometric, link
from services.portfolio_review import close_returns

CASH, OTHER = "cash", "(no sector)"
LEVELS = ("sector", "symbol")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffects:
    """What one group did to the excess return of the span; fractions that add up.

    Attributes
    ----------
    portfolio_weight, benchmark_weight : float
        Means over the span, at the start of each session.
    interaction : float or None
        None where it is part of selection.
    """

    level: str
    group: str
    portfolio_weight: float
    benchmark_weight: float
    allocation: float
    selection: float
    interaction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricSplit:
    """(1 + allocation)(1 + selection)(1 + trading) = (1 + portfolio) / (1 + benchmark)."""

    allocation: float
    selection: float
    trading: float
    excess: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkAttribution:
    """The excess return of a span; effects of all groups plus trading sum to it.

    Attributes
    ----------
    trading : float
        Booked return less that of the holdings: execution, fees, financing.
    residual : float
        Excess less the sum of all effects: rounding alone.
    """

    portfolio: str
    benchmark_name: str
    model: str
    linking: str
    start: date
    end: date
    groups: tuple[GroupEffects, ...]
    trading: float
    portfolio_return: float
    benchmark_return: float
    excess: float
    residual: float
    geometric: GeometricSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class BrinsonTerms:
    """How the excess return is split and linked.

    Attributes
    ----------
    levels : tuple of str
        From the top down, of `LEVELS`.
    interaction : bool
        Whether interaction stands apart from selection.
    """

    model: AllocationModel = AllocationModel.BRINSON_FACHLER
    linking: Linking = Linking.CARINO
    levels: tuple[str, ...] = ("sector",)
    interaction: bool = False

    def __post_init__(self) -> None:
        known = [LEVELS[:n] for n in (1, 2)] + [LEVELS[1:]]
        if self.levels not in known:
            raise InvalidInputError(
                f"levels are sector, symbol, or sector then symbol; got {', '.join(self.levels)}"
            )


def brinson_terms(
    model: str, linking: str, levels: Sequence[str], *, interaction: bool
) -> BrinsonTerms:
    """Return the terms that a user's words mean.

    Raises
    ------
    InvalidInputError
        If one of them is unknown.
    """
    if model not in list(AllocationModel):
        raise InvalidInputError(f"model is bf or bhb, got {model!r}")
    if linking not in list(Linking):
        raise InvalidInputError(f"linking is {', '.join(Linking)}; got {linking!r}")
    return BrinsonTerms(
        model=AllocationModel(model),
        linking=Linking(linking),
        levels=tuple(levels),
        interaction=interaction,
    )


def attribute_to_benchmark(  # noqa: PLR0913 - whose books, at which prices, how split, when
    portfolio: str,
    books: DailyBooks,
    prices: Panel,
    sectors: Mapping[str, str],
    *,
    benchmark_name: str,
    terms: BrinsonTerms,
    start: date | None = None,
    end: date | None = None,
) -> BenchmarkAttribution:
    """Split the excess return of the sessions from `start` to `end`.

    Parameters
    ----------
    books : DailyBooks
        From the portfolio's beginning, so that each session's opening weights are known.
    prices : Panel
        Closes of the benchmark's symbols, from the session before the first.

    Raises
    ------
    InvalidInputError
        If a position stands in a symbol that the benchmark's prices do not hold.
    MissingDataError
        If no session lies in the range, or one has no price the session before.
    """
    chosen = _within(books, start, end)
    holdings, booked = _holdings(books, prices, chosen)
    names = (*prices.symbols, CASH)
    labels = {
        "sector": [*(sectors.get(symbol, OTHER) for symbol in prices.symbols), CASH],
        "symbol": list(names),
    }
    effects = brinson(holdings, [labels[level] for level in terms.levels], model=terms.model)
    traded = booked - effects.portfolio
    columns = np.hstack([effects.columns, traded[:, None]])
    linked = link(columns, booked, effects.benchmark, method=terms.linking)
    whole = float(np.prod(1.0 + booked) - 1.0), float(np.prod(1.0 + effects.benchmark) - 1.0)
    sessions = books.sessions[chosen]
    return BenchmarkAttribution(
        portfolio=portfolio,
        benchmark_name=benchmark_name,
        model=terms.model.value,
        linking=terms.linking.value,
        start=sessions[0].item(),
        end=sessions[-1].item(),
        groups=_groups(effects, linked, holdings, labels, terms),
        trading=float(linked[-1]),
        portfolio_return=whole[0],
        benchmark_return=whole[1],
        excess=whole[0] - whole[1],
        residual=whole[0] - whole[1] - float(linked.sum()),
        geometric=_geometric(effects, booked),
    )


def _within(books: DailyBooks, start: date | None, end: date | None) -> slice:
    sessions = books.sessions
    first = 0 if start is None else int(np.searchsorted(sessions, np.datetime64(start)))
    last = (
        len(sessions)
        if end is None
        else int(np.searchsorted(sessions, np.datetime64(end), side="right"))
    )
    if first >= last:
        raise MissingDataError(
            f"no session from {start} to {end}: the books hold {sessions[0]} to {sessions[-1]}"
        )
    return slice(first, last)


def _holdings(books: DailyBooks, prices: Panel, chosen: slice) -> tuple[HoldingSeries, FloatArray]:
    """Return weights and returns of each session, and the portfolio's booked return."""
    row = {symbol: n for n, symbol in enumerate(prices.symbols)}
    held = np.zeros((len(prices.symbols), len(books.sessions) + 1))
    for (_, symbol), values in zip(books.keys, books.market_value, strict=True):
        if symbol is None:
            continue
        if symbol not in row:
            raise InvalidInputError(f"{symbol} is not among the benchmark's prices")
        held[row[symbol], 1:] += values / 10.0**books.digits
    capital = books.opening_capital()
    if (capital[chosen] <= 0).any():
        raise MissingDataError("a session without capital has no weights: narrow the range")
    weights = held[:, :-1][:, chosen] / capital[chosen]
    returns = close_returns(prices)
    places = np.searchsorted(prices.sessions, books.sessions[chosen])
    inside = places < len(prices.sessions)
    if not inside.all() or (prices.sessions[places] != books.sessions[chosen]).any():
        raise MissingDataError("the benchmark has no price on a session of the books")
    earned = returns[:, places]
    known = np.isfinite(earned)
    if (~known & (weights != 0)).any() or not known.any(axis=0).all():
        raise MissingDataError("a holding or the whole benchmark has no return on a session")
    index = np.where(known, 1.0 / known.sum(axis=0), 0.0)
    earned = np.where(known, earned, 0.0)
    nothing = np.zeros((1, earned.shape[1]))
    series = HoldingSeries(
        portfolio_weights=np.vstack([weights, 1.0 - weights.sum(axis=0)]).T,
        benchmark_weights=np.vstack([index, nothing]).T,
        portfolio_returns=np.vstack([earned, nothing]).T,
        benchmark_returns=np.vstack([earned, nothing]).T,
        outside=np.vstack([np.full_like(earned, np.nan), nothing]).T,
    )
    return series, books.returns()[chosen]


def _groups(
    effects: BrinsonEffects,
    linked: FloatArray,
    holdings: HoldingSeries,
    labels: Mapping[str, list[str]],
    terms: BrinsonTerms,
) -> tuple[GroupEffects, ...]:
    by_name = dict(zip(effects.names, linked[:-1].tolist(), strict=True))
    weights = holdings.portfolio_weights.mean(axis=0), holdings.benchmark_weights.mean(axis=0)
    rows = []
    for depth, (level, found) in enumerate(zip(terms.levels, effects.levels, strict=True)):
        lowest = depth == len(terms.levels) - 1
        for group in found.groups:
            inside = np.asarray([label == group for label in labels[level]])
            selection = by_name[f"selection|{group}"] if lowest else 0.0
            interaction = by_name[f"interaction|{group}"] if lowest else 0.0
            rows.append(
                GroupEffects(
                    level=level,
                    group=group,
                    portfolio_weight=float(weights[0][inside].sum()),
                    benchmark_weight=float(weights[1][inside].sum()),
                    allocation=by_name[f"allocation|{depth}|{group}"],
                    selection=selection if terms.interaction else selection + interaction,
                    interaction=interaction if terms.interaction else None,
                )
            )
    return tuple(rows)


def _geometric(effects: BrinsonEffects, booked: FloatArray) -> GeometricSplit:
    parts = geometric(effects)
    trading = float(np.prod((1.0 + booked) / (1.0 + effects.portfolio)) - 1.0)
    return GeometricSplit(
        allocation=parts.allocation,
        selection=parts.selection,
        trading=trading,
        excess=(1.0 + parts.excess) * (1.0 + trading) - 1.0,
    )
