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
# {n} stands for a window in sessions.
MEANINGS = {
    "first_of_month": "1 on the month's first session.",
    "last_of_month": "1 on the month's last planned session.",
    "session_of_month": "How many sessions the month has had, this one counted.",
    "sessions_to_month_end": "Planned sessions left in the month: 0 on its last.",
    "first_of_week": "1 on the week's first session.",
    "last_of_week": "1 on the week's last planned session.",
    "half_day": "1 on a session that closes early.",
    "sessions_since_holiday": "Sessions since the exchange was last closed on a weekday: 0 is "
    "the first after.",
    "sessions_to_holiday": "Planned sessions before the next holiday: 0 is the last before.",
    "expiry_day": "1 on the day on which the month's options expire.",
    "expiry_week": "1 in the week in which the month's options expire.",
    "sessions_to_expiry": "Planned sessions until the month's options expire: 0 on the day.",
    "turn_of_month": "1 on the month's last session and its first three, when returns have "
    "been higher.",
    "return_1_before_holiday": "The day's return on the session before a holiday, 0 on any other.",
}


def exchange_days() -> FeatureSet:
    """Return the set; reads close, so that it says nothing where a symbol has no bar."""
    formulas: dict[str, Expression] = {name: of_exchange(name) for name in NAMES}
    turn = (of_exchange("sessions_to_month_end") < 1.0) + (of_exchange("session_of_month") < 4.0)
    formulas["turn_of_month"] = turn
    formulas["return_1_before_holiday"] = returns(field("close"), 1) * (
        of_exchange("sessions_to_holiday") < 1.0
    )
    return FeatureSet("exchange_days", VERSION, features(formulas, MEANINGS))


def of_exchange(name: str) -> Expression:
    """Return what New York's calendar says of the session."""
    return field(f"{PREFIX}{EXCHANGE}.{name}")
