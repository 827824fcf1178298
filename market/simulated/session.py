"""A trading session SIMULATED inside a real daily bar: trades, quotes and depth.

The trades reproduce the bar exactly: the first is at the open, the last at the close, the
highest and lowest are its high and low, and the sizes add up to its volume. Between them the
price is a Brownian bridge folded into the bar's range, volume follows a U over the day, trades
bounce between bid and ask, and every trade is at the quote that stood before it. It is the
ground for execution, replay and live pages where a user has no intraday data, and no evidence.
"""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import numpy as np
import polars as pl

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from market.datasets import TIME_SCHEMA

U_SHAPE = 2.5  # How much denser trading is at the day's ends than the mean of the parabola.
SIZE_DISPERSION = 1.0  # Standard deviation of log trade size.
SIDE_PERSISTENCE = 0.6  # Chance that a trade takes the side of the one before.
QUOTE_LEAD_MICROSECONDS = 1_000  # A quote stands this long before its trade.


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBar:
    """The bar to fill; volume counts whole units."""

    symbol: str
    session: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    open_time: datetime
    close_time: datetime

    def __post_init__(self) -> None:
        prices = (self.open, self.high, self.low, self.close)
        if not all(np.isfinite(p) and p > 0 for p in prices):
            raise InvalidInputError(f"{self.symbol} {self.session}: prices must be positive")
        if self.high < max(prices) or self.low > min(prices):
            raise InvalidInputError(f"{self.symbol} {self.session}: {prices} is no bar")
        if self.volume < len(_corners(self)):
            raise InvalidInputError(
                f"{self.symbol} {self.session}: volume {self.volume} cannot trade at "
                f"{len(_corners(self))} different corners of the bar"
            )
        if self.open_time.tzinfo is None or not self.open_time < self.close_time:
            raise InvalidInputError(
                f"{self.symbol} {self.session}: open_time must be aware and before close_time"
            )


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """Trades, quotes and depth, with the columns of `market.ticks`; all simulated."""

    trades: pl.DataFrame
    quotes: pl.DataFrame
    depth: pl.DataFrame


def simulate_session(
    bar: DailyBar,
    rng: np.random.Generator,
    *,
    trades: int = 2_000,
    tick_size: float = 0.01,
    spread: float = 0.0004,
    levels: int = 5,
) -> SimulatedSession:
    """Draw a session inside `bar`.

    Parameters
    ----------
    trades : int
        How many trades to draw; fewer where the volume has fewer units.
    tick_size : float
        Step of the prices that the bar does not prescribe.
    spread : float
        Full quoted spread as a fraction of price; at least one tick.
    levels : int
        Levels on each side of the book.

    Raises
    ------
    InvalidInputError
        If a count is not positive.
    """
    if trades < 1 or levels < 1 or not tick_size > 0 or not spread >= 0:
        raise InvalidInputError(
            f"trades and levels must be positive, got {trades} and {levels}; tick_size too"
        )
    count = max(min(trades, bar.volume), len(_corners(bar)))
    moments = _moments(bar, count, rng)
    sides = _sides(count, rng)
    prices = _prices(bar, moments, sides, rng, tick_size=tick_size, spread=spread)
    sizes = _sizes(bar.volume, count, rng)
    width = max(round(spread * bar.close / tick_size), 1) * tick_size
    bid = np.where(sides > 0, prices - width, prices)
    ask = np.where(sides > 0, prices, prices + width)
    # A cheap stock's bid may not fall to nothing.
    bid = np.maximum(bid, np.minimum(prices, tick_size) / 2)
    quote_sizes = np.ceil(rng.lognormal(np.log(300), 0.8, (2, count)))
    stamps = bar.open_time.timestamp() * 1e6 + moments
    trade_table = _table(bar, stamps, {"price": prices, "size": sizes, "side": sides})
    lead = stamps - QUOTE_LEAD_MICROSECONDS
    quote_table = _table(
        bar,
        lead,
        {"bid": bid, "ask": ask, "bid_size": quote_sizes[0], "ask_size": quote_sizes[1]},
    )
    depth = _depth(bar, lead, np.stack([bid, ask]), quote_sizes, rng, (levels, tick_size))
    return SimulatedSession(trade_table, quote_table, depth)


def _corners(bar: DailyBar) -> tuple[float, ...]:
    """Return the prices that must trade, in an order that needs the fewest trades."""
    inner = [price for price in (bar.high, bar.low) if price not in (bar.open, bar.close)]
    ends = [bar.open] if bar.open == bar.close and not inner else [bar.open, bar.close]
    return (*ends[:1], *dict.fromkeys(inner), *ends[1:])


def _moments(bar: DailyBar, count: int, rng: np.random.Generator) -> FloatArray:
    """Draw times in microseconds after the open, denser at both ends of the day."""
    grid = np.linspace(0, 1, 2_001)
    density = 1 + U_SHAPE * ((2 * grid - 1) ** 2 - 1 / 3)
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    share = np.interp(np.sort(rng.random(count)), cumulative / cumulative[-1], grid)
    span = (bar.close_time - bar.open_time).total_seconds() * 1e6
    first = QUOTE_LEAD_MICROSECONDS
    return np.asarray(np.floor(first + share * (span - first)))


def _sides(count: int, rng: np.random.Generator) -> IntArray:
    """Draw who took each trade; sides persist as they do where orders are split."""
    keep = rng.random(count) < SIDE_PERSISTENCE
    fresh = rng.choice(np.array([-1, 1]), count)
    flips = np.where(keep, 1, -1)
    flips[0] = fresh[0]
    return np.asarray(np.cumprod(flips))


def _prices(
    bar: DailyBar,
    moments: FloatArray,
    sides: IntArray,
    rng: np.random.Generator,
    *,
    tick_size: float,
    spread: float,
) -> FloatArray:
    """Draw trade prices through every corner of the bar, inside its range."""
    count = len(moments)
    places, values = _pins(bar, count, rng)
    path = np.empty(count)
    # The range of a bridge is of the order of its volatility: let the day's range set it.
    step = np.log(bar.high / bar.low) / np.sqrt(count) / 1.5
    noise = np.concatenate([[0.0], np.cumsum(rng.standard_normal(count - 1) * step)])
    for (left, right), (start, end) in zip(pairwise(places), pairwise(values), strict=True):
        share = np.arange(right - left + 1) / max(right - left, 1)
        bridge = noise[left : right + 1] - noise[left]
        bridge -= share * bridge[-1]
        path[left : right + 1] = np.log(start) + share * np.log(end / start) + bridge
    if len(places) == 1:
        path[:] = np.log(values[0])
    mid = np.exp(_fold(path, np.log(bar.low), np.log(bar.high)))
    bounced = mid * (1 + sides * spread / 2)
    prices = np.clip(np.round(bounced / tick_size) * tick_size, bar.low, bar.high)
    prices[places] = values
    return prices


def _pins(bar: DailyBar, count: int, rng: np.random.Generator) -> tuple[list[int], list[float]]:
    """Place the corners: open first, close last, high and low between, in either order."""
    first, *rest = _corners(bar)
    if not rest:
        return [0], [first]
    *inner, last = rest
    if len(inner) == 2 and rng.random() < 0.5:
        inner.reverse()
    chosen = np.sort(rng.choice(np.arange(1, count - 1), len(inner), replace=False))
    return [0, *(int(place) for place in chosen), count - 1], [first, *inner, last]


def _fold(path: FloatArray, low: float, high: float) -> FloatArray:
    """Reflect a path into [low, high]; points inside stay where they are."""
    width = high - low
    if width == 0:
        return np.full_like(path, low)
    offset = np.mod(path - low, 2 * width)
    return np.asarray(low + np.where(offset > width, 2 * width - offset, offset))


def _sizes(volume: int, count: int, rng: np.random.Generator) -> IntArray:
    """Split `volume` into `count` whole sizes of at least one that add up to it exactly."""
    weights = rng.lognormal(0.0, SIZE_DISPERSION, count)
    exact = weights / weights.sum() * (volume - count)
    sizes = np.floor(exact).astype(np.int64)
    short = volume - count - int(sizes.sum())
    largest = np.argsort(exact - sizes, kind="stable")[::-1][:short]
    sizes[largest] += 1
    return np.asarray(sizes + 1)


def _table(
    bar: DailyBar, stamps: FloatArray, columns: dict[str, FloatArray | IntArray]
) -> pl.DataFrame:
    """Return rows with the lake's columns; what is drawn is known when it happens."""
    moment = pl.Series(stamps.astype(np.int64)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame(
        {
            "symbol": pl.repeat(bar.symbol, len(stamps), eager=True),
            "session": pl.repeat(bar.session, len(stamps), dtype=pl.Date, eager=True),
            "event_time": moment,
            "knowledge_time": moment,
            "sequence": np.arange(len(stamps), dtype=np.int64),
        }
        | {name: values.astype(np.float64) for name, values in columns.items()},
        schema_overrides=TIME_SCHEMA,
    )


def _depth(
    bar: DailyBar,
    stamps: FloatArray,
    best: FloatArray,
    sizes: FloatArray,
    rng: np.random.Generator,
    shape: tuple[int, float],
) -> pl.DataFrame:
    """Return the changes that turn each quote's book into the next; the first is a snapshot."""
    levels, tick = shape
    deeper = np.ceil(rng.lognormal(np.log(500), 0.6, (2, len(stamps), levels)))
    deeper[:, :, 0] = sizes
    held: dict[tuple[int, float], float] = {}
    rows: list[tuple[float, int, int, float, float, int]] = []
    for number in range(len(stamps)):
        book = {
            (side, round(float(best[place, number] - side * level * tick), 10)): float(
                deeper[place, number, level]
            )
            for place, side in enumerate((1, -1))
            for level in range(levels)
            if best[place, number] - side * level * tick > 0
        }
        changed = [(key, 0.0) for key in held if key not in book]
        changed += [(key, size) for key, size in book.items() if held.get(key) != size]
        first = int(number == 0)
        rows += [(stamps[number], number + 1, s, p, size, first) for (s, p), size in changed]
        held = book
    stamp, update_id, side, price, size, snapshot = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return _table(
        bar,
        stamp,
        {"update_id": update_id, "side": side, "price": price, "size": size, "snapshot": snapshot},
    )
