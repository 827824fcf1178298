"""Tests of `market.simulated.asset_liquidity`: each instrument says how much of it trades."""

from datetime import date

import numpy as np
import pytest

from basics.errors import MissingDataError
from market.simulated.asset_liquidity import DAILY_NOTIONAL, daily_notional
from market.simulated.asset_terms import bond_instruments, future, linear_instruments, options
from market.simulated.asset_terms import quarters as quarters_of


def test_every_instrument_of_the_simulated_market_has_a_level_of_its_own() -> None:
    sessions = np.arange(np.datetime64("2022-01-03"), np.datetime64("2022-12-29"))
    quarters = quarters_of(sessions, date(2022, 1, 3))
    contracts = [c for q in quarters for c in (future(q), *options(q, 100.0))]
    every = [*linear_instruments(), *bond_instruments(date(2022, 1, 3)), *contracts]

    found = {i.symbol: daily_notional(i.symbol) for i in every}

    assert min(found.values()) > 0
    assert set(found.values()) == set(DAILY_NOTIONAL.values())
    assert daily_notional("SIM-FUT-2303") == DAILY_NOTIONAL["SIM-FUT"]


def test_what_is_not_written_down_is_named() -> None:
    with pytest.raises(MissingDataError, match="how much of SIM-EQ-XX trades in a day: add it"):
        daily_notional("SIM-EQ-XX")
