"""Computed feature panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    from features.panel import FeaturePanel


class FeatureCache(Protocol):
    """Keeps computed feature panels by the hash of everything that decided them."""

    def load(self, key: str) -> FeaturePanel | None:
        """Return the panel stored under `key`, or None."""
        ...

    def save(self, key: str, panel: FeaturePanel) -> None:
        """Store the panel whole or not at all; an earlier one of the key stays."""
        ...
