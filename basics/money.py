"""Money that is booked: Decimal, rounded to the currency's minor unit, half to even."""

from decimal import ROUND_HALF_EVEN, Decimal

from basics.errors import InvalidInputError

# ISO 4217 minor units that differ from two decimals.
MINOR_UNIT_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "BHD": 3, "KWD": 3, "BTC": 8, "ETH": 8}


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Return `amount` rounded half to even to the minor unit of `currency`.

    Raises
    ------
    InvalidInputError
        If `amount` is not finite.
    """
    if not amount.is_finite():
        raise InvalidInputError(f"an amount of {currency} must be finite, got {amount}")
    digits = MINOR_UNIT_DIGITS.get(currency, 2)
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def to_decimal(value: float, *, digits: int) -> Decimal:
    """Return the float `value` as a Decimal with `digits` decimals, half to even.

    This is the one door from estimated numbers to booked ones.

    Raises
    ------
    InvalidInputError
        If `value` is not finite.
    """
    amount = Decimal(repr(float(value)))
    if not amount.is_finite():
        raise InvalidInputError(f"a booked number must be finite, got {value}")
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
