"""Data quality: rules as data, one gate that applies them to new rows."""

from market.quality.gate import flag_column, flagged, inspect
from market.quality.release import line_texts, pardon
from market.quality.rules import Example, Finding, Inspection, Rule, Severity, Surroundings

__all__ = [
    "Example",
    "Finding",
    "Inspection",
    "Rule",
    "Severity",
    "Surroundings",
    "flag_column",
    "flagged",
    "inspect",
    "line_texts",
    "pardon",
]
