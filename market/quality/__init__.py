"""Data quality: rules as data, one gate that applies them to new rows."""

from market.quality.gate import inspect
from market.quality.rules import Example, Finding, Inspection, Rule, Severity, Surroundings

__all__ = ["Example", "Finding", "Inspection", "Rule", "Severity", "Surroundings", "inspect"]
