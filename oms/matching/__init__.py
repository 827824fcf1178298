"""Venues without sockets: pure simulations that answer orders with reports."""

from oms.matching.book import BookOrder, Entry, LimitOrderBook, Match
from oms.matching.reference import FeeSchedule, Quote, ReferenceExchange

__all__ = [
    "BookOrder",
    "Entry",
    "FeeSchedule",
    "LimitOrderBook",
    "Match",
    "Quote",
    "ReferenceExchange",
]
