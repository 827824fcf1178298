"""The compiled inner loops of the live engine, over struct-of-arrays state.

Positions are laid out by symbol: those of symbol s are rows `first[s]` to `first[s + 1]`, free
rows at the end of each block hold zeros. A tick touches only its symbol's block. Sums by group
(book) and by symbol move by the same increments, so every attribution is current after each tick.
"""

import numpy as np
import numpy.typing as npt

from basics.arrays import BoolArray, FloatArray, IntArray
from measures.kernels.compiled import compiled

GroupArray = npt.NDArray[np.int32]

# What became of a tick; the engine counts each.
APPLIED, DUPLICATE, OUT_OF_ORDER, LATE, INVALID, UNKNOWN = range(6)
# Columns of the sums; those of fills have the first and what was paid.
VALUE, GROSS, SUM_COST, SUM_BOOKED = range(4)
PAID = 1


@compiled
def apply_ticks(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    ticks: IntArray,
    prices: FloatArray,
    first: IntArray,
    groups: GroupArray,
    units: FloatArray,
    rates: FloatArray,
    negative_ok: BoolArray,
    marks: FloatArray,
    seen: IntArray,
    group_sums: FloatArray,
    symbol_sums: FloatArray,
    counts: IntArray,
    fill_first: IntArray,
    fill_groups: GroupArray,
    fill_units: FloatArray,
    fill_sums: FloatArray,
) -> None:
    """Apply ticks in order, to positions and to what fills know.

    `ticks` has rows (symbol, event time in ns, sequence), `seen` rows (event time, sequence) by
    symbol, the sums the columns named above.
    """
    for k in range(len(prices)):
        s = ticks[k, 0]
        if s < 0 or s >= len(marks):
            counts[UNKNOWN] += 1
            continue
        outcome = _judge(ticks[k], prices[k], seen[s], negative_ok[s])
        counts[outcome] += 1
        if outcome != APPLIED:
            continue
        seen[s, 0] = ticks[k, 1]
        seen[s, 1] = ticks[k, 2]
        low, high = first[s], first[s + 1]
        _move(
            prices[k], marks[s], rates[s], groups[low:high], units[low:high],
            group_sums, symbol_sums[s],
        )  # fmt: skip
        low, high = fill_first[s], fill_first[s + 1]
        step = (prices[k] - marks[s]) * rates[s]
        for i in range(low, high):
            fill_sums[fill_groups[i], VALUE] += fill_units[i] * step
        marks[s] = prices[k]


@compiled
def _judge(tick: IntArray, price: float, seen: IntArray, negative_ok: bool) -> int:  # noqa: FBT001 - a compiled function has no keywords
    if not np.isfinite(price) or (price < 0.0 and not negative_ok):
        return INVALID
    if tick[2] == seen[1]:
        return DUPLICATE
    if tick[2] < seen[1]:
        return OUT_OF_ORDER
    return LATE if tick[1] < seen[0] else APPLIED


@compiled
def _move(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    price: float,
    mark: float,
    rate: float,
    groups: GroupArray,
    units: FloatArray,
    group_sums: FloatArray,
    symbol_sum: FloatArray,
) -> None:
    """Move every sum that depends on a mark from `mark` to `price`."""
    step = (price - mark) * rate
    gross_step = (abs(price) - abs(mark)) * rate
    net = gross = 0.0
    for i in range(len(units)):
        value = units[i] * step
        size = abs(units[i]) * gross_step
        group_sums[groups[i], VALUE] += value
        group_sums[groups[i], GROSS] += size
        net += value
        gross += size
    symbol_sum[VALUE] += net
    symbol_sum[GROSS] += gross


@compiled
def sum_positions(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    first: IntArray,
    groups: GroupArray,
    units: FloatArray,
    money: FloatArray,
    rates: FloatArray,
    marks: FloatArray,
    group_sums: FloatArray,
    symbol_sums: FloatArray,
) -> None:
    """Sum value, gross exposure, cost and booked profit afresh from every position.

    `money` has rows (cost, booked) in the symbol's currency.
    """
    group_sums[:] = 0.0
    symbol_sums[:] = 0.0
    for s in range(len(marks)):
        rate = rates[s]
        price = marks[s] * rate
        net = gross = cost = booked = 0.0
        for i in range(first[s], first[s + 1]):
            value = units[i] * price
            size = abs(value)
            group = group_sums[groups[i]]
            group[VALUE] += value
            group[GROSS] += size
            group[SUM_COST] += money[i, 0] * rate
            group[SUM_BOOKED] += money[i, 1] * rate
            net += value
            gross += size
            cost += money[i, 0] * rate
            booked += money[i, 1] * rate
        symbol_sums[s, VALUE] = net
        symbol_sums[s, GROSS] = gross
        symbol_sums[s, SUM_COST] = cost
        symbol_sums[s, SUM_BOOKED] = booked


@compiled
def sum_fills(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    first: IntArray,
    groups: GroupArray,
    units: FloatArray,
    money: FloatArray,
    rates: FloatArray,
    marks: FloatArray,
    sums: FloatArray,
) -> None:
    """Sum value and money paid of what each name of a fill's key traded afresh.

    `money` has rows (paid with fees, fees) in the symbol's currency.
    """
    sums[:] = 0.0
    for s in range(len(marks)):
        rate = rates[s]
        price = marks[s] * rate
        for i in range(first[s], first[s + 1]):
            group = sums[groups[i]]
            group[VALUE] += units[i] * price
            group[PAID] += money[i, 0] * rate
