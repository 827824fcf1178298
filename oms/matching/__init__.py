"""Venues without sockets: pure simulations that answer orders with reports."""

from oms.matching.reference import FeeSchedule, Quote, ReferenceExchange

__all__ = ["FeeSchedule", "Quote", "ReferenceExchange"]
