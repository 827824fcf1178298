"""Computed feature panels, and the bars that live features rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    from features.panel import FeaturePanel
    from market.live_bars import LiveBars


class FeatureCache(Protocol):
    """Keeps computed feature panels by the hash of everything that decided them."""

    def load(self, key: str) -> FeaturePanel | None:
        """Return the panel stored under `key`, or None."""
        ...

    def save(self, key: str, panel: FeaturePanel) -> None:
        """Store the panel whole or not at all; an earlier one of the key stays."""
        ...


class LiveBarStore(Protocol):
    """Keeps the bars that came after the lake's last session, so that a restart resumes."""

    def load(self, dataset: str) -> LiveBars | None:
        """Return what is kept of the dataset, None for nothing."""
        ...

    def save(self, dataset: str, bars: LiveBars) -> None:
        """Keep the next revision, whole or not at all; `ConflictError` if another was kept."""
        ...
