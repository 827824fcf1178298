"""The live engine at one moment, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from basics.arrays import FloatArray
from pnl.engine_fills import FillParts
from pnl.engine_kernels import GROSS, SUM_BOOKED, SUM_COST, VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePart:
    """One part of the live profit, in the base currency.

    Attributes
    ----------
    realised : float
        Taken so far, with income, after fees.
    unrealised : float
        Open gain at the current marks.
    net, gross : float
        Market value (notional for a future), signed, and in absolute sum.
    """

    name: str
    realised: float
    unrealised: float
    net: float
    gross: float

    @property
    def pnl(self) -> float:
        """Realised and unrealised together."""
        return self.realised + self.unrealised


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlSnapshot:
    """The engine at one moment, whole.

    Attributes
    ----------
    sequence : int
        Grows by one with each snapshot.
    fills : int
        Position updates taken over from the ledger so far.
    by_currency : tuple of LivePart
        By the currency of the instruments, in the base currency at the rates of now.
    by_fill : mapping of str to tuple of FillPart
        By each key of `FILL_KEYS`: model version, arm, order, side, hour; of orders summed when
        asked for.
    beside_fills : float
        Profit that belongs to no fill: dividends, financing, adjustments.
    stale : tuple of str
        Held symbols whose last tick is too old.
    counts : mapping of str to int
        What became of the ticks.
    marks : mapping of str to tuple of (float, int, int)
        Price, event time in ns and sequence of each symbol that has ticked.
    ledger_difference : float or None
        Total less the Decimal ledger's, where that was given.
    """

    sequence: int
    as_of_ns: int
    fills: int
    total: LivePart
    by_symbol: tuple[LivePart, ...]
    by_strategy: tuple[LivePart, ...]
    by_sector: tuple[LivePart, ...]
    by_currency: tuple[LivePart, ...]
    by_fill: FillParts
    beside_fills: float
    stale: tuple[str, ...]
    counts: Mapping[str, int]
    marks: Mapping[str, tuple[float, int, int]]
    ledger_difference: float | None = None


def live_parts(names: Sequence[str], sums: FloatArray) -> tuple[LivePart, ...]:
    """Sum rows of equal name, in order of first appearance; spare rows beyond `names` are zero."""
    rows: dict[str, list[float]] = {}
    for name, row in zip(names, sums.tolist(), strict=False):
        known = rows.get(name)
        rows[name] = row if known is None else [a + b for a, b in zip(known, row, strict=True)]
    return tuple(_part(name, row) for name, row in rows.items())


def total_part(sums: FloatArray) -> LivePart:
    """Sum all rows."""
    return _part("total", sums.sum(axis=0).tolist())


def _part(name: str, row: Sequence[float]) -> LivePart:
    return LivePart(
        name=name,
        realised=row[SUM_BOOKED],
        unrealised=row[VALUE] - row[SUM_COST],
        net=row[VALUE],
        gross=row[GROSS],
    )
