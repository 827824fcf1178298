"""Every error quantdesk raises, named by what the caller should do next.

QuantDeskError
├── InvalidInputError      the call is wrong: fix the arguments
├── MissingDataError       the data is absent or too short: load more, or skip
├── RefusedError           a rule said no: show the reason, do not retry
├── ConflictError          someone else changed it first: reload and decide again
└── UnavailableError       a dependency is down: retry, or degrade

A message shows the offending value and ends with the likely cure.
"""


class QuantDeskError(Exception):
    """Root of the hierarchy; never raised itself."""


class InvalidInputError(QuantDeskError):
    """An argument lies outside the domain of the function."""


class MissingDataError(QuantDeskError):
    """The data needed for a result is absent or too short."""


class RefusedError(QuantDeskError):
    """A business rule forbids the request."""


class ConflictError(QuantDeskError):
    """The stored state moved on since it was read."""


class UnavailableError(QuantDeskError):
    """A dependency cannot answer now."""
