"""The life of an order as data: FIX 4.4 statuses, reports, and what follows what.

`TRANSITIONS` says for each (status, event) pair which status follows; a pair that is not
there cannot happen, and whoever claims it did gets a `ConflictError`. Where the quantities
decide (`BY_QUANTITY`), the order is Filled once nothing is left, else what it stands at
(Stopped, Suspended, Canceled, Expired), else Partially filled, else New.

Source: FIX 4.4 volume 4, Appendix D, "Order State Change Matrices". Where two statuses hold at
once its order of precedence picks the one shown: Pending cancel, Pending replace, Done for day,
Calculated, Filled, Stopped, Suspended, Canceled or Expired, Partially filled, New.
"""

from enum import StrEnum
from typing import Final, Literal


class OrderStatus(StrEnum):
    """FIX OrdStatus(39); the value 5 (Replaced) is no longer used."""

    NEW = "0"
    PARTIALLY_FILLED = "1"
    FILLED = "2"
    DONE_FOR_DAY = "3"
    CANCELED = "4"
    PENDING_CANCEL = "6"
    STOPPED = "7"
    REJECTED = "8"
    SUSPENDED = "9"
    PENDING_NEW = "A"
    CALCULATED = "B"
    EXPIRED = "C"
    PENDING_REPLACE = "E"

    @property
    def closed(self) -> bool:
        """Whether nothing is left to execute, so that LeavesQty is zero."""
        return self in CLOSED


class OrderEvent(StrEnum):
    """What a report says: FIX ExecType(150), and the two rejects of message 35=9."""

    NEW = "0"
    DONE_FOR_DAY = "3"
    CANCELED = "4"
    REPLACED = "5"
    PENDING_CANCEL = "6"
    STOPPED = "7"
    REJECTED = "8"
    SUSPENDED = "9"
    PENDING_NEW = "A"
    CALCULATED = "B"
    EXPIRED = "C"
    RESTATED = "D"
    PENDING_REPLACE = "E"
    TRADE = "F"
    TRADE_CORRECT = "G"
    TRADE_CANCEL = "H"
    ORDER_STATUS = "I"
    CANCEL_REJECTED = "9:1"  # Order cancel reject, CxlRejResponseTo(434) = 1.
    REPLACE_REJECTED = "9:2"  # Order cancel reject, CxlRejResponseTo(434) = 2.


class OrderType(StrEnum):
    """FIX OrdType(40), as far as a venue of the desk can execute it."""

    MARKET = "1"
    LIMIT = "2"
    STOP = "3"
    STOP_LIMIT = "4"


class TimeInForce(StrEnum):
    """FIX TimeInForce(59)."""

    DAY = "0"
    GOOD_TILL_CANCEL = "1"
    AT_THE_OPENING = "2"
    IMMEDIATE_OR_CANCEL = "3"
    FILL_OR_KILL = "4"
    GOOD_TILL_CROSSING = "5"
    GOOD_TILL_DATE = "6"
    AT_THE_CLOSE = "7"


CLOSED: Final = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.DONE_FOR_DAY,
        OrderStatus.CANCELED,
        OrderStatus.REJECTED,
        OrderStatus.CALCULATED,
        OrderStatus.EXPIRED,
    }
)

BY_QUANTITY: Final = "by quantity"
Outcome = OrderStatus | Literal["by quantity"]

_S, _E = OrderStatus, OrderEvent

TRANSITIONS: Final[dict[tuple[OrderStatus, OrderEvent], Outcome]] = {
    # Sent, not yet acknowledged.
    (_S.PENDING_NEW, _E.PENDING_NEW): _S.PENDING_NEW,
    (_S.PENDING_NEW, _E.NEW): _S.NEW,
    (_S.PENDING_NEW, _E.REJECTED): _S.REJECTED,
    (_S.PENDING_NEW, _E.TRADE): BY_QUANTITY,  # An exchange may execute without acknowledging.
    (_S.PENDING_NEW, _E.CANCELED): _S.CANCELED,  # Fill-or-kill and immediate-or-cancel die so.
    (_S.PENDING_NEW, _E.EXPIRED): _S.EXPIRED,
    (_S.PENDING_NEW, _E.STOPPED): _S.STOPPED,
    (_S.PENDING_NEW, _E.SUSPENDED): _S.SUSPENDED,
    (_S.PENDING_NEW, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.PENDING_NEW, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.PENDING_NEW, _E.ORDER_STATUS): _S.PENDING_NEW,
    (_S.PENDING_NEW, _E.CANCEL_REJECTED): _S.PENDING_NEW,
    (_S.PENDING_NEW, _E.REPLACE_REJECTED): _S.PENDING_NEW,
    # Working, nothing executed.
    (_S.NEW, _E.TRADE): BY_QUANTITY,
    (_S.NEW, _E.CANCELED): _S.CANCELED,
    (_S.NEW, _E.REPLACED): BY_QUANTITY,  # Venues that send no Pending replace.
    (_S.NEW, _E.REJECTED): _S.REJECTED,  # A broker may reject after it acknowledged.
    (_S.NEW, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.NEW, _E.EXPIRED): _S.EXPIRED,
    (_S.NEW, _E.STOPPED): _S.STOPPED,
    (_S.NEW, _E.SUSPENDED): _S.SUSPENDED,
    (_S.NEW, _E.RESTATED): BY_QUANTITY,
    (_S.NEW, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.NEW, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.NEW, _E.ORDER_STATUS): _S.NEW,
    (_S.NEW, _E.CANCEL_REJECTED): _S.NEW,
    (_S.NEW, _E.REPLACE_REJECTED): _S.NEW,
    # Working, in part executed.
    (_S.PARTIALLY_FILLED, _E.TRADE): BY_QUANTITY,
    (_S.PARTIALLY_FILLED, _E.TRADE_CORRECT): BY_QUANTITY,
    (_S.PARTIALLY_FILLED, _E.TRADE_CANCEL): BY_QUANTITY,
    (_S.PARTIALLY_FILLED, _E.CANCELED): _S.CANCELED,
    (_S.PARTIALLY_FILLED, _E.REPLACED): BY_QUANTITY,
    (_S.PARTIALLY_FILLED, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.PARTIALLY_FILLED, _E.EXPIRED): _S.EXPIRED,
    (_S.PARTIALLY_FILLED, _E.STOPPED): _S.STOPPED,
    (_S.PARTIALLY_FILLED, _E.SUSPENDED): _S.SUSPENDED,
    (_S.PARTIALLY_FILLED, _E.RESTATED): BY_QUANTITY,
    (_S.PARTIALLY_FILLED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.PARTIALLY_FILLED, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.PARTIALLY_FILLED, _E.ORDER_STATUS): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.CANCEL_REJECTED): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.REPLACE_REJECTED): _S.PARTIALLY_FILLED,
    # Executed in full; a replace may raise the quantity, a cancelled trade may reopen it.
    (_S.FILLED, _E.TRADE_CORRECT): BY_QUANTITY,
    (_S.FILLED, _E.TRADE_CANCEL): BY_QUANTITY,
    (_S.FILLED, _E.REPLACED): BY_QUANTITY,
    (_S.FILLED, _E.RESTATED): BY_QUANTITY,
    (_S.FILLED, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.FILLED, _E.CALCULATED): _S.CALCULATED,
    (_S.FILLED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,  # The request crossed the last fill.
    (_S.FILLED, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.FILLED, _E.ORDER_STATUS): _S.FILLED,
    (_S.FILLED, _E.CANCEL_REJECTED): _S.FILLED,
    (_S.FILLED, _E.REPLACE_REJECTED): _S.FILLED,
    # A cancel is under way; it outranks all else until it is answered.
    (_S.PENDING_CANCEL, _E.NEW): _S.PENDING_CANCEL,  # The acknowledgement crossed the request.
    (_S.PENDING_CANCEL, _E.REJECTED): _S.REJECTED,
    (_S.PENDING_CANCEL, _E.TRADE): _S.PENDING_CANCEL,  # The fill crossed the request.
    (_S.PENDING_CANCEL, _E.TRADE_CORRECT): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.TRADE_CANCEL): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.CANCELED): _S.CANCELED,
    (_S.PENDING_CANCEL, _E.REPLACED): _S.PENDING_CANCEL,  # An earlier replace went through.
    (_S.PENDING_CANCEL, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.PENDING_CANCEL, _E.EXPIRED): _S.EXPIRED,
    (_S.PENDING_CANCEL, _E.STOPPED): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.SUSPENDED): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.RESTATED): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.PENDING_REPLACE): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.PENDING_NEW): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.ORDER_STATUS): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _E.CANCEL_REJECTED): BY_QUANTITY,
    (_S.PENDING_CANCEL, _E.REPLACE_REJECTED): _S.PENDING_CANCEL,
    # A replace is under way: the old terms hold until it is answered.
    (_S.PENDING_REPLACE, _E.NEW): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.REJECTED): _S.REJECTED,
    (_S.PENDING_REPLACE, _E.TRADE): _S.PENDING_REPLACE,  # The fill crossed the request.
    (_S.PENDING_REPLACE, _E.TRADE_CORRECT): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.TRADE_CANCEL): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.CANCELED): _S.CANCELED,
    (_S.PENDING_REPLACE, _E.REPLACED): BY_QUANTITY,
    (_S.PENDING_REPLACE, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.PENDING_REPLACE, _E.EXPIRED): _S.EXPIRED,
    (_S.PENDING_REPLACE, _E.STOPPED): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.SUSPENDED): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.RESTATED): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.PENDING_REPLACE, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.PENDING_NEW): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.ORDER_STATUS): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.CANCEL_REJECTED): _S.PENDING_REPLACE,
    (_S.PENDING_REPLACE, _E.REPLACE_REJECTED): BY_QUANTITY,
    # Guaranteed a price by a specialist; Filled outranks it.
    (_S.STOPPED, _E.TRADE): BY_QUANTITY,
    (_S.STOPPED, _E.TRADE_CORRECT): BY_QUANTITY,
    (_S.STOPPED, _E.TRADE_CANCEL): BY_QUANTITY,
    (_S.STOPPED, _E.CANCELED): _S.CANCELED,
    (_S.STOPPED, _E.REPLACED): BY_QUANTITY,
    (_S.STOPPED, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.STOPPED, _E.EXPIRED): _S.EXPIRED,
    (_S.STOPPED, _E.SUSPENDED): _S.SUSPENDED,
    (_S.STOPPED, _E.RESTATED): BY_QUANTITY,
    (_S.STOPPED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.STOPPED, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.STOPPED, _E.ORDER_STATUS): _S.STOPPED,
    (_S.STOPPED, _E.CANCEL_REJECTED): _S.STOPPED,
    (_S.STOPPED, _E.REPLACE_REJECTED): _S.STOPPED,
    # Held back by a trading halt; New releases it.
    (_S.SUSPENDED, _E.NEW): BY_QUANTITY,
    (_S.SUSPENDED, _E.REJECTED): _S.REJECTED,
    (_S.SUSPENDED, _E.TRADE): BY_QUANTITY,
    (_S.SUSPENDED, _E.TRADE_CORRECT): BY_QUANTITY,
    (_S.SUSPENDED, _E.TRADE_CANCEL): BY_QUANTITY,
    (_S.SUSPENDED, _E.CANCELED): _S.CANCELED,
    (_S.SUSPENDED, _E.REPLACED): BY_QUANTITY,
    (_S.SUSPENDED, _E.DONE_FOR_DAY): _S.DONE_FOR_DAY,
    (_S.SUSPENDED, _E.EXPIRED): _S.EXPIRED,
    (_S.SUSPENDED, _E.STOPPED): _S.STOPPED,
    (_S.SUSPENDED, _E.RESTATED): BY_QUANTITY,
    (_S.SUSPENDED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.SUSPENDED, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.SUSPENDED, _E.ORDER_STATUS): _S.SUSPENDED,
    (_S.SUSPENDED, _E.CANCEL_REJECTED): _S.SUSPENDED,
    (_S.SUSPENDED, _E.REPLACE_REJECTED): _S.SUSPENDED,
    # Over for the day; a restatement renews a good-till order the next morning.
    (_S.DONE_FOR_DAY, _E.TRADE): _S.DONE_FOR_DAY,  # Reported late.
    (_S.DONE_FOR_DAY, _E.TRADE_CORRECT): _S.DONE_FOR_DAY,
    (_S.DONE_FOR_DAY, _E.TRADE_CANCEL): _S.DONE_FOR_DAY,
    (_S.DONE_FOR_DAY, _E.CANCELED): _S.CANCELED,
    (_S.DONE_FOR_DAY, _E.EXPIRED): _S.EXPIRED,
    (_S.DONE_FOR_DAY, _E.CALCULATED): _S.CALCULATED,
    (_S.DONE_FOR_DAY, _E.RESTATED): BY_QUANTITY,
    (_S.DONE_FOR_DAY, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
    (_S.DONE_FOR_DAY, _E.PENDING_REPLACE): _S.PENDING_REPLACE,
    (_S.DONE_FOR_DAY, _E.ORDER_STATUS): _S.DONE_FOR_DAY,
    (_S.DONE_FOR_DAY, _E.CANCEL_REJECTED): _S.DONE_FOR_DAY,
    (_S.DONE_FOR_DAY, _E.REPLACE_REJECTED): _S.DONE_FOR_DAY,
    # Settled for the day.
    (_S.CALCULATED, _E.TRADE): _S.CALCULATED,  # Reported late.
    (_S.CALCULATED, _E.TRADE_CORRECT): _S.CALCULATED,
    (_S.CALCULATED, _E.TRADE_CANCEL): _S.CALCULATED,
    (_S.CALCULATED, _E.CALCULATED): _S.CALCULATED,
    (_S.CALCULATED, _E.RESTATED): BY_QUANTITY,
    (_S.CALCULATED, _E.ORDER_STATUS): _S.CALCULATED,
    (_S.CALCULATED, _E.CANCEL_REJECTED): _S.CALCULATED,
    (_S.CALCULATED, _E.REPLACE_REJECTED): _S.CALCULATED,
    # Cancelled; a fill that crossed the cancel is booked, and outranks it once complete.
    (_S.CANCELED, _E.TRADE): BY_QUANTITY,
    (_S.CANCELED, _E.TRADE_CORRECT): BY_QUANTITY,
    (_S.CANCELED, _E.TRADE_CANCEL): BY_QUANTITY,
    (_S.CANCELED, _E.CALCULATED): _S.CALCULATED,
    (_S.CANCELED, _E.ORDER_STATUS): _S.CANCELED,
    (_S.CANCELED, _E.CANCEL_REJECTED): _S.CANCELED,
    (_S.CANCELED, _E.REPLACE_REJECTED): _S.CANCELED,
    # Expired; the same as cancelled, by the calendar.
    (_S.EXPIRED, _E.TRADE): BY_QUANTITY,
    (_S.EXPIRED, _E.TRADE_CORRECT): BY_QUANTITY,
    (_S.EXPIRED, _E.TRADE_CANCEL): BY_QUANTITY,
    (_S.EXPIRED, _E.CALCULATED): _S.CALCULATED,
    (_S.EXPIRED, _E.ORDER_STATUS): _S.EXPIRED,
    (_S.EXPIRED, _E.CANCEL_REJECTED): _S.EXPIRED,
    (_S.EXPIRED, _E.REPLACE_REJECTED): _S.EXPIRED,
    # Rejected: nothing can have traded, so a trade here is the venue contradicting itself.
    (_S.REJECTED, _E.ORDER_STATUS): _S.REJECTED,
    (_S.REJECTED, _E.CANCEL_REJECTED): _S.REJECTED,
    (_S.REJECTED, _E.REPLACE_REJECTED): _S.REJECTED,
}
