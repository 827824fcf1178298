"""Feature panels on the desk's own disk: one folder for each key, an array and its labels."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from basics.errors import InvalidInputError
from features.panel import FeaturePanel


class DiskFeatureCache:
    """Keeps the newest panels under `folder`; the values are mapped, not read, when loaded."""

    def __init__(self, folder: Path, *, max_panels: int = 32) -> None:
        self._folder = folder
        self._max_panels = max_panels

    def load(self, key: str) -> FeaturePanel | None:
        """Return the panel stored under `key`, or None; a damaged one counts as none."""
        place = self._folder / key
        try:
            labels = json.loads((place / "labels.json").read_text(encoding="utf-8"))
            values = np.load(place / "values.npy", mmap_mode="r")
            panel = FeaturePanel(
                tuple(labels["names"]),
                tuple(labels["symbols"]),
                np.array(labels["sessions"], "datetime64[D]"),
                values,
                labels["feature_set"],
                labels["content_hash"],
                frozenset(labels["simulated"]),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, EOFError, InvalidInputError):
            shutil.rmtree(place, ignore_errors=True)
            return None
        return panel

    def save(self, key: str, panel: FeaturePanel) -> None:
        """Write beside, then rename: a killed write leaves no panel under the key."""
        place = self._folder / key
        if place.exists():
            return
        labels = {
            "names": panel.names,
            "symbols": panel.symbols,
            "sessions": panel.sessions.astype(str).tolist(),
            "feature_set": panel.feature_set,
            "content_hash": panel.content_hash,
            "simulated": sorted(panel.simulated),
        }
        with self._beside() as beside:
            np.save(beside / "values.npy", panel.values)
            (beside / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
            if not place.exists():
                beside.rename(place)
        self._drop_oldest()

    @contextmanager
    def _beside(self) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=".writing-", dir=self._folder))
        try:
            yield beside
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _drop_oldest(self) -> None:
        kept = sorted(
            (path for path in self._folder.iterdir() if not path.name.startswith(".")),
            key=lambda path: path.stat().st_mtime_ns,
        )
        for path in kept[: max(len(kept) - self._max_panels, 0)]:
            shutil.rmtree(path, ignore_errors=True)
