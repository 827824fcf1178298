"""Live bars on the desk's own disk: one file for each dataset, replaced whole at each change."""

import fcntl
import io
import re
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from basics.clock import Clock
from basics.errors import ConflictError, InvalidInputError, MissingDataError, UnavailableError
from infra.files import write_whole
from infra.settings import Settings
from market.datasets import SESSION, SYMBOL
from market.live_bars import LiveBars
from services.market_data import MarketData
from services.online_store import OnlineStore
from services.ports import Cache

Stamp = tuple[int, int, int]


class DiskLiveBars:
    """Keeps the live bars of each dataset under `folder`; several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[Stamp, LiveBars]] = {}

    def load(self, dataset: str) -> LiveBars | None:
        """Return what is kept of the dataset, None for nothing.

        Raises
        ------
        UnavailableError
            If the file cannot be read.
        """
        path = self._path(dataset)
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = self._read.get(dataset)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            bars = _decode(path.read_bytes())
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise UnavailableError(
                f"{path} cannot be read ({error}): remove it and send the session's bars again"
            ) from error
        self._read[dataset] = (stamp, bars)
        return bars

    def save(self, dataset: str, bars: LiveBars) -> None:
        """Keep the bars in place of the revision before them.

        Raises
        ------
        ConflictError
            If another process has changed them since.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stored = self.load(dataset)
            revision = 0 if stored is None else stored.revision
            if bars.revision != revision + 1:
                raise ConflictError(
                    f"the live bars of {dataset} are at revision {revision}, not "
                    f"{bars.revision - 1}: another process took bars, send these again"
                )
            write_whole(self._path(dataset), _encode(bars))

    def _path(self, dataset: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', dataset)}.npz"


def read_bar_file(path: Path) -> dict[date, dict[str, dict[str, float]]]:
    """Return the bars of a CSV or Parquet file by session, ascending, and by symbol.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidInputError
        If it lacks the columns symbol and session, or holds what is no date or no number.
    """
    import polars as pl

    if not path.is_file():
        raise MissingDataError(f"{path} is not a file: name a CSV or Parquet file of bars")
    try:
        read = pl.read_parquet if path.suffix == ".parquet" else pl.read_csv
        table = read(path)
        day = pl.col(SESSION)
        day = day.str.to_date("%Y-%m-%d") if table.schema[SESSION] == pl.String else day
        names = [name for name in table.columns if name not in {SYMBOL, SESSION}]
        rows = table.select(
            pl.col(SYMBOL).cast(pl.String), day.cast(pl.Date), pl.col(names).cast(pl.Float64)
        )
    except (pl.exceptions.PolarsError, KeyError) as error:
        raise InvalidInputError(
            f"{path} holds no bars ({error}): give symbol, session as YYYY-MM-DD, and fields"
        ) from error
    if rows.is_empty():
        raise InvalidInputError(f"{path} holds no bars: give a row for each symbol and session")
    found: dict[date, dict[str, dict[str, float]]] = {}
    for row in rows.sort(SESSION, SYMBOL).iter_rows(named=True):
        bar = {name: row[name] for name in names if row[name] is not None}
        found.setdefault(row[SESSION], {})[row[SYMBOL]] = bar
    return found


def build_online_store(
    settings: Settings, *, market_data: MarketData, cache: Cache, clock: Clock
) -> OnlineStore:
    """Return the online store, its bars kept in the state folder."""
    return OnlineStore(
        market=market_data,
        bars=DiskLiveBars(settings.state_dir / "live-bars"),
        cache=cache,
        clock=clock,
        ttl_seconds=settings.cache.ttl_features_seconds,
    )


def _encode(bars: LiveBars) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = {f"field_{name}": values for name, values in bars.fields.items()}
    arrays |= {"symbols": np.array(bars.symbols, str), "sessions": bars.sessions.astype(np.int64)}
    np.savez(file, updated=bars.updated, revision=np.int64(bars.revision), **arrays)
    return file.getvalue()


def _decode(content: bytes) -> LiveBars:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        fields = {
            name.removeprefix("field_"): stored[name]
            for name in stored.files
            if name.startswith("field_")
        }
        return LiveBars(
            tuple(stored["symbols"].tolist()),
            stored["sessions"].astype("datetime64[D]"),
            fields,
            stored["updated"],
            int(stored["revision"]),
        )
