"""What limits of fund, account and factor are held against, beside those of the portfolio itself.

A profile sees one portfolio. Of its fund it observes what this portfolio holds, of an account
what the portfolio holds there, both over the portfolio's equity: the controls before each order
see the whole fund and account. Strategies are books of their own, with their own equity: the
night measures them (`risk.nightly`).
"""

from collections.abc import Sequence

import numpy as np

from basics.arrays import FloatArray
from measures.tail import tail_risk
from risk.groups import SPECIFIC, GroupRisk
from risk.limits import Observation, Scope
from services.risk_inputs import RiskInputs
from services.risk_measures import MeasuredBook

MARKET = "market"


def scope_observations(
    inputs: RiskInputs, measured: MeasuredBook | None, decomposition: Sequence[GroupRisk]
) -> list[Observation]:
    """Return every metric that a limit of fund, account or factor may bind."""
    if measured is None:
        return []
    symbols = measured.book.symbols
    found: list[Observation] = []
    if inputs.fund is not None:
        found += _part(Scope.FUND, inputs.fund, measured.book.exposures, measured)
    for account, held in sorted(inputs.accounts.items()):
        exposures = np.array([held.get(symbol, 0.0) for symbol in symbols])
        found += _part(Scope.ACCOUNT, account, exposures, measured)
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
    scope: Scope, name: str, exposures: FloatArray, measured: MeasuredBook
) -> list[Observation]:
    equity, pnl = measured.equity, exposures @ measured.book.returns
    metrics = {
        "gross_leverage": np.abs(exposures).sum() / equity,
        "net_leverage": exposures.sum() / equity,
        "largest_position": np.abs(exposures).max() / equity,
        "beta": exposures @ measured.state.market_betas / equity,
        "value_at_risk_99": max(tail_risk(pnl, confidence=0.99).value_at_risk, 0.0) / equity,
        "expected_shortfall_975": max(
            tail_risk(pnl, confidence=0.975).expected_shortfall, 0.0
        ) / equity,
    }  # fmt: skip
    return [Observation(metric, scope, name, float(value)) for metric, value in metrics.items()]
