"""Feature panels as Parquet, for other programs: one file for each panel, one row for each bar."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from basics.errors import ConflictError
from features.panel import FeaturePanel


def export_features(panels: Iterable[FeaturePanel], folder: Path) -> int:
    """Write each panel to `folder` as it comes; return the number of rows.

    Columns `symbol`, `session` and the features, as float32; a session in which a symbol has no
    feature at all has no row. A file is written beside and renamed, so each is whole.

    Raises
    ------
    ConflictError
        If the folder already holds an export.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.parquet")):
        raise ConflictError(f"{folder} already holds an export: name another folder")
    rows = 0
    for k, panel in enumerate(panels):
        frame = to_frame(panel)
        beside = folder / f".part-{k:05}.writing"
        frame.write_parquet(beside, compression="lz4", statistics=False)
        beside.rename(folder / f"part-{k:05}.parquet")
        rows += len(frame)
    return rows


def to_frame(panel: FeaturePanel) -> pl.DataFrame:
    """Return the panel as long rows, sorted by symbol and session."""
    there = np.zeros(panel.values.shape[1:], bool)
    for values in panel.values:
        there |= ~np.isnan(values)
    rows, columns = np.nonzero(there)
    frame = {
        "symbol": pl.Series(np.array(panel.symbols)[rows]),
        "session": pl.Series(panel.sessions[columns]),
    }
    for name, values in zip(panel.names, panel.values, strict=True):
        frame[name] = pl.Series(values[rows, columns].astype(np.float32), nan_to_null=True)
    return pl.DataFrame(frame)
