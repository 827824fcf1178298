"""What a live state shows: profit by every key, what changed since the last one, and risk."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from basics.errors import InvalidInputError
from pnl.engine_snapshot import LivePart
from pnl.fill_attribution import FILL_KEYS
from services.live_state import LiveState
from services.ports import JsonDocument

POSITION_KEYS = ("symbol", "strategy", "sector", "currency")
KEYS = (*POSITION_KEYS, *FILL_KEYS)
# Of an order that is done there is little to see: who wants the orders asks for them.
SHOWN_KEYS = tuple(key for key in KEYS if key != "order")


def pnl_view(state: LiveState, *, by: Iterable[str] = SHOWN_KEYS) -> dict[str, Any]:
    """Return the profit of a state as plain values, split by the keys asked for.

    Raises
    ------
    InvalidInputError
        If a key is unknown.
    """
    taken = state.pnl
    return {
        "portfolio": state.portfolio,
        "run_id": state.run_id,
        "sequence": state.sequence,
        "desk_date": state.desk_date.isoformat(),
        "as_of": state.as_of.isoformat(),
        "equity": state.equity,
        "peak": state.peak,
        "day_pnl": state.day_pnl,
        "fx_on_cash": dict(state.fx_on_cash),
        "exchanges": state.exchanges,
        "cash_booked": state.cash_booked,
        "market": state.market,
        "total": _part(taken.total),
        "beside_fills": taken.beside_fills,
        "ledger_difference": taken.ledger_difference,
        "ticks": dict(taken.counts),
        "stale": list(taken.stale),
        "by": {key: _parts(state, key) for key in by},
    }


def pnl_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `after` with those parts alone that differ from `before`'s of the same name."""
    changed = {}
    for key, parts in after["by"].items():
        known = {part["name"]: part for part in before["by"].get(key, ())}
        moved = [part for part in parts if known.get(part["name"]) != part]
        if moved:
            changed[key] = moved
    return {**after, "by": changed}


def risk_view(state: LiveState) -> JsonDocument:
    """Return the risk of a state as plain values; `risk` is None while equity is not positive.

    `risk` is of the state itself, `profile` of the state and moment that it names.
    """
    document: JsonDocument = msgspec.to_builtins(state.risk)
    profile: JsonDocument = msgspec.to_builtins(state.profile)
    return {
        "portfolio": state.portfolio,
        "sequence": state.sequence,
        "desk_date": state.desk_date.isoformat(),
        "as_of": state.as_of.isoformat(),
        "market": state.market,
        "risk": document,
        "profile": profile,
    }


def _parts(state: LiveState, key: str) -> Sequence[dict[str, Any]]:
    if key in POSITION_KEYS:
        parts: Sequence[LivePart] = getattr(state.pnl, f"by_{key}")
        return [_part(part) for part in parts]
    if key not in FILL_KEYS:
        raise InvalidInputError(f"cannot attribute by {key!r}: one of {', '.join(KEYS)}")
    return [{"name": p.name, "pnl": p.pnl, "fees": p.fees} for p in state.pnl.by_fill[key]]


def _part(part: LivePart) -> dict[str, Any]:
    return {
        "name": part.name,
        "pnl": part.pnl,
        "realised": part.realised,
        "unrealised": part.unrealised,
        "net": part.net,
        "gross": part.gross,
    }
