"""Simulated markets on the desk's own disk: one file for each, its digest before its content.

A market follows from the seed, the sessions and the code that simulates it; what is kept spares
a command the compiled kernels that price its options. The code is part of the file's name, so
that another version of it simulates anew.
"""

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from zipfile import BadZipFile

import msgspec
import numpy as np
import structlog

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from basics.identifiers import content_hash
from basics.instruments import Instrument
from infra.isolation import PROJECT_ROOT
from market.actions import CorporateAction
from market.panel import Panel
from market.simulated.asset_terms import Quarter
from market.simulated.multi_asset import SimulatedAssets

# Whatever decides the numbers of a simulated market.
_CODE = ("market/simulated", "market/multi_asset.py", "measures")
_DIGEST = hashlib.sha256().digest_size
_PANELS = ("closes", "rates", "indices")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labels:
    """All of a market that is no array."""

    first_traded: date
    instruments: tuple[Instrument, ...]
    quarters: tuple[Quarter, ...]
    actions: tuple[CorporateAction, ...]
    symbols: Mapping[str, tuple[str, ...]]
    returns: tuple[str, ...]
    curves: tuple[str, ...]
    label: str


class DiskSimulatedMarkets:
    """Keeps the newest markets under `folder`."""

    def __init__(self, folder: Path, *, max_markets: int = 4) -> None:
        self._folder = folder
        self._max_markets = max_markets

    def load(self, key: str) -> SimulatedAssets | None:
        """Return the market kept under `key`, or None; a damaged one is removed and told."""
        place = self._place(key)
        try:
            content = place.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _decoded(_verified(content))
        except (ValueError, KeyError, BadZipFile, msgspec.MsgspecError, InvalidInputError) as error:
            structlog.get_logger(__name__).warning(
                "a kept simulated market is damaged and will be simulated anew",
                file=str(place), detail=str(error),
            )  # fmt: skip
            place.unlink(missing_ok=True)
            return None

    def save(self, key: str, market: SimulatedAssets) -> None:
        """Write beside, then rename: a killed write leaves no market under the key."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = _encoded(market)
        with NamedTemporaryFile(dir=self._folder, prefix=".writing-", delete=False) as file:
            file.write(hashlib.sha256(content).digest() + content)
        try:
            os.replace(file.name, self._place(key))
        finally:
            Path(file.name).unlink(missing_ok=True)
        self._drop_oldest()

    def _place(self, key: str) -> Path:
        return self._folder / f"{content_hash(key, simulation_code())[:24]}.npz"

    def _drop_oldest(self) -> None:
        kept = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[: max(len(kept) - self._max_markets, 0)]:
            path.unlink(missing_ok=True)


@cache
def simulation_code() -> str:
    """Return the hash of the code and of the library that draws."""
    files = [
        path
        for place in _CODE
        for path in sorted([*(PROJECT_ROOT / place).rglob("*.py"), PROJECT_ROOT / place])
        if path.is_file()
    ]
    return content_hash(np.__version__, *(path.read_bytes() for path in files))


def _verified(content: bytes) -> bytes:
    digest, rest = content[:_DIGEST], content[_DIGEST:]
    if hashlib.sha256(rest).digest() != digest:
        raise ValueError("its content is not what was written")
    return rest


def _encoded(market: SimulatedAssets) -> bytes:
    panels = {name: getattr(market, name) for name in _PANELS}
    labels = _Labels(
        first_traded=market.first_traded,
        instruments=tuple(market.instruments.values()),
        quarters=market.quarters,
        actions=market.actions,
        symbols={name: panel.symbols for name, panel in panels.items()},
        returns=tuple(market.returns),
        curves=tuple(market.curves),
        label=market.label,
    )
    arrays = {name: panel["close"] for name, panel in panels.items()} | {
        "sessions": market.sessions,
        "returns": np.stack(list(market.returns.values())),
        "curves": np.stack(list(market.curves.values())),
        "volatility": market.volatility,
        "labels": np.frombuffer(msgspec.json.encode(labels), np.uint8),
    }
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _decoded(content: bytes) -> SimulatedAssets:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    labels = msgspec.json.decode(arrays["labels"].tobytes(), type=_Labels)
    sessions = arrays["sessions"]

    def panel(name: str) -> Panel:
        return Panel(labels.symbols[name], sessions, {"close": arrays[name]}, frozenset({"close"}))

    return SimulatedAssets(
        sessions=sessions,
        first_traded=labels.first_traded,
        instruments={i.symbol: i for i in labels.instruments},
        quarters=labels.quarters,
        closes=panel("closes"),
        rates=panel("rates"),
        indices=panel("indices"),
        returns=_rows(labels.returns, arrays["returns"]),
        curves=_rows(labels.curves, arrays["curves"]),
        volatility=arrays["volatility"],
        actions=labels.actions,
        label=labels.label,
    )


def _rows(names: tuple[str, ...], values: FloatArray) -> dict[str, FloatArray]:
    return dict(zip(names, values, strict=True))
