"""What limits of fund, account and factor are held against, beside those of the portfolio itself.

A profile sees one portfolio. Of its fund it observes what this portfolio holds, of an account
what the portfolio holds there, both over the portfolio's equity: the controls before each order
see the whole fund and account. Strategies are books of their own, with their own equity: the
night measures them (`risk.nightly`).
"""

from collections.abc import Collection, Sequence

import numpy as np

from basics.arrays import BoolArray, FloatArray
from measures.tail import tail_risk
from risk.groups import SPECIFIC, GroupRisk
from risk.limits import Observation, Scope
from services.risk_inputs import RiskInputs
from services.risk_measures import MeasuredBook

MARKET = "market"
# What limits of a fund or an account may bind.
PART_METRICS = (
    "gross_leverage",
    "net_leverage",
    "largest_position",
    "beta",
    "value_at_risk_99",
    "expected_shortfall_975",
)


def scope_observations(
    inputs: RiskInputs,
    measured: MeasuredBook | None,
    decomposition: Sequence[GroupRisk],
    *,
    beside: Collection[str] = (),
) -> list[Observation]:
    """Return every metric that a limit of fund, account or factor may bind.

    Parameters
    ----------
    beside : collection of str
        What is at risk and no position, such as cash of another currency: it counts in VaR and
        ES, and in no size.
    """
    if measured is None:
        return []
    symbols = measured.book.symbols
    invested = np.array([symbol not in beside for symbol in symbols])
    found: list[Observation] = []
    if inputs.fund is not None:
        found += _part(Scope.FUND, inputs.fund, measured.book.exposures, measured, invested)
    for account, held in sorted(inputs.accounts.items()):
        exposures = np.array([held.get(symbol, 0.0) for symbol in symbols])
        found += _part(Scope.ACCOUNT, account, exposures, measured, invested)
    # The market is the sum of betas, as the controls have it, not a regression beside styles.
    pull = float(measured.book.exposures @ measured.state.market_betas)
    factors = {MARKET: pull} | {
        row.name: row.exposure
        for row in decomposition
        if row.by == "factor" and row.name not in {MARKET, SPECIFIC}
    }
    found += [
        Observation("exposure", Scope.FACTOR, name, exposure / measured.equity)
        for name, exposure in factors.items()
    ]
    return found


def _part(
    scope: Scope,
    name: str,
    exposures: FloatArray,
    measured: MeasuredBook,
    invested: BoolArray,
) -> list[Observation]:
    equity, pnl = measured.equity, exposures @ measured.book.returns
    sizes = np.where(invested, exposures, 0.0)
    metrics = {
        "gross_leverage": np.abs(sizes).sum() / equity,
        "net_leverage": sizes.sum() / equity,
        "largest_position": np.abs(sizes).max() / equity,
        "beta": exposures @ measured.state.market_betas / equity,
        "value_at_risk_99": max(tail_risk(pnl, confidence=0.99).value_at_risk, 0.0) / equity,
        "expected_shortfall_975": max(
            tail_risk(pnl, confidence=0.975).expected_shortfall, 0.0
        ) / equity,
    }  # fmt: skip
    return [Observation(metric, scope, name, float(metrics[metric])) for metric in PART_METRICS]
