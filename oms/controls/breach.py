"""What a control answers: a breach, its FIX reason, and the override that may lift it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from basics.errors import InvalidInputError


class Layer(IntEnum):
    """The nine layers, in the order in which they answer."""

    FORM = 1
    PERMISSION = 2
    PRICE = 3
    SIZE = 4
    RATE = 5
    CREDIT = 6
    EXPOSURE = 7
    RISK = 8
    STATE = 9


class OrdRejReason(IntEnum):
    """FIX OrdRejReason(103), the values that a control can give."""

    BROKER_OPTION = 0
    UNKNOWN_SYMBOL = 1
    EXCHANGE_CLOSED = 2
    ORDER_EXCEEDS_LIMIT = 3
    DUPLICATE_ORDER = 6
    UNSUPPORTED_CHARACTERISTIC = 11
    INCORRECT_QUANTITY = 13
    OTHER = 99


# What an override can never lift: an order that no venue could read, and the stop switch.
ABSOLUTE = frozenset({Layer.FORM, Layer.STATE})


# Every rule, by the layer that answers with it.
RULES: Final = {
    "FORM_LIMIT_PRICE_MISPLACED": Layer.FORM,
    "FORM_STOP_PRICE_MISPLACED": Layer.FORM,
    "FORM_STATUS_NOT_PENDING_NEW": Layer.FORM,
    "FORM_EXPIRY_MISPLACED": Layer.FORM,
    "FORM_SYMBOL_UNKNOWN": Layer.FORM,
    "FORM_CURRENCY_MISMATCH": Layer.FORM,
    "FORM_LOT_MISFIT": Layer.FORM,
    "FORM_TICK_MISFIT": Layer.FORM,
    "PERMISSION_SYMBOL_RESTRICTED": Layer.PERMISSION,
    "PERMISSION_KIND_FORBIDDEN": Layer.PERMISSION,
    "PERMISSION_SHORT_UNMARKED": Layer.PERMISSION,
    "PERMISSION_SHORT_FORBIDDEN": Layer.PERMISSION,
    "PERMISSION_LOCATE_MISSING": Layer.PERMISSION,
    "PRICE_REFERENCE_MISSING": Layer.PRICE,
    "PRICE_OUTSIDE_COLLAR": Layer.PRICE,
    "SIZE_ABOVE_QUANTITY": Layer.SIZE,
    "SIZE_ABOVE_NOTIONAL": Layer.SIZE,
    "SIZE_ABOVE_VOLUME_SHARE": Layer.SIZE,
    "RATE_DUPLICATE_ORDER": Layer.RATE,
    "RATE_ABOVE_MESSAGES": Layer.RATE,
    "RATE_REPEATED_EXECUTION": Layer.RATE,
    "CREDIT_EQUITY_GONE": Layer.CREDIT,
    "CREDIT_MARGIN_SHORT": Layer.CREDIT,
    "EXPOSURE_PRICE_MISSING": Layer.EXPOSURE,
    "EXPOSURE_ABOVE_POSITION": Layer.EXPOSURE,
    "EXPOSURE_ABOVE_CONCENTRATION": Layer.EXPOSURE,
    "EXPOSURE_ABOVE_FACTOR": Layer.EXPOSURE,
    "EXPOSURE_ABOVE_GROSS": Layer.EXPOSURE,
    "EXPOSURE_ABOVE_NET": Layer.EXPOSURE,
    "RISK_ABOVE_DRAWDOWN": Layer.RISK,
    "RISK_ABOVE_DAILY_LOSS": Layer.RISK,
    "RISK_ABOVE_VALUE_AT_RISK": Layer.RISK,
    "RISK_ABOVE_INCREMENTAL": Layer.RISK,
    "RISK_ABOVE_SHORTFALL": Layer.RISK,
    "RISK_ABOVE_STRESS": Layer.RISK,
    "RISK_ABOVE_LIQUIDITY": Layer.RISK,
    "RISK_HISTORY_MISSING": Layer.RISK,
    "STATE_KILL_SWITCH": Layer.STATE,
    "STATE_HALTED": Layer.STATE,
    "STATE_REDUCING_ONLY": Layer.STATE,
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that an order would break.

    Attributes
    ----------
    rule : str
        `CATEGORY_CONDITION`, for example `SIZE_ABOVE_NOTIONAL`.
    detail : tuple of (str, object)
        The values that show it, in the order in which they are told.
    """

    rule: str
    reason: OrdRejReason
    detail: tuple[tuple[str, object], ...] = ()

    @property
    def layer(self) -> Layer:
        """The layer that answered."""
        return RULES[self.rule]

    def __str__(self) -> str:
        """`CATEGORY_CONDITION: key=value … fix103=code`."""
        pairs = (*self.detail, ("fix103", self.reason.value))
        return f"{self.rule}: " + " ".join(f"{key}={value}" for key, value in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A temporary leave to break one rule in one book, given by a person for a reason.

    Attributes
    ----------
    rule : str
        The rule that is lifted, as `Breach.rule`.
    scope : str
        Strategy, or portfolio, for which it is lifted.
    expires_at : datetime
        The moment from which the rule holds again.
    """

    override_id: str
    rule: str
    scope: str
    reason: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        if not (self.reason.strip() and self.granted_by.strip()):
            raise InvalidInputError(
                f"override {self.override_id}: needs a reason and the person who gives it"
            )
        if self.rule not in RULES:
            raise InvalidInputError(f"no rule is called {self.rule!r}: take one from a refusal")
        if RULES[self.rule] in ABSOLUTE:
            raise InvalidInputError(f"{self.rule} cannot be overridden")
        if not self.expires_at > self.granted_at:
            raise InvalidInputError(
                f"override {self.override_id}: expires at {self.expires_at}, not after it was "
                f"granted at {self.granted_at}"
            )

    def lifts(self, breach: Breach, *, scopes: frozenset[str], now: datetime) -> bool:
        """Whether `breach` may pass at `now` in one of `scopes`."""
        return (
            breach.rule == self.rule
            and self.scope in scopes
            and self.granted_at <= now < self.expires_at
        )
