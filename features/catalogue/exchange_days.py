"""Where a session stands among those of the exchange: turns of month and week, holidays, expiry.

Sources: the turn of the month (Ariel 1987), holidays (Ariel 1990), option expiry (Stoll and
Whaley 1987). New York's sessions (XNYS); a set for another exchange is the same with its code.
"""

from features.definitions import FeatureSet, features
from features.exchange_days import NAMES, PREFIX
from features.expressions import Expression, field
from features.operators import returns

VERSION = 1
EXCHANGE = "XNYS"


def exchange_days() -> FeatureSet:
    """Return the set; reads close, so that it says nothing where a symbol has no bar."""
    formulas: dict[str, Expression] = {name: of_exchange(name) for name in NAMES}
    turn = (of_exchange("sessions_to_month_end") < 1.0) + (of_exchange("session_of_month") < 4.0)
    formulas["turn_of_month"] = turn
    formulas["return_1_before_holiday"] = returns(field("close"), 1) * (
        of_exchange("sessions_to_holiday") < 1.0
    )
    return FeatureSet("exchange_days", VERSION, features(formulas))


def of_exchange(name: str) -> Expression:
    """Return what New York's calendar says of the session."""
    return field(f"{PREFIX}{EXCHANGE}.{name}")
