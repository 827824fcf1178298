"""The `PnlDayStore` port on the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa

from basics.arrays import IntArray
from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Book
from infra.database.engine import Database
from infra.database.tables.pnl_days import NO_SYMBOL, pnl_currencies, pnl_positions, pnl_sessions
from pnl.daily import DailyBooks
from pnl.explain import PARTS
from pnl.ledger import Key
from pnl.valued_books import ValuedBooks
from services.ports import KeptBooks, KeptSpan

AMOUNTS = ("pnl", "fees_paid", "market_value", *PARTS)
KEY_COLUMNS = 6  # Of a position's row: portfolio, session, fund, strategy, account, symbol.
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DatabasePnlDayStore:
    """Keeps a row a session, a row a position and session, and a row a currency and session."""

    database: Database

    def replace(self, kept: KeptBooks) -> int:
        """Keep these books as all there is of their portfolio; return the sessions that changed."""
        portfolio = kept.portfolio
        rows = {
            pnl_sessions: _by_session(_session_rows(kept)),
            pnl_positions: _by_session(_position_rows(portfolio, kept.books)),
            pnl_currencies: _by_session(_currency_rows(portfolio, kept.books)),
        }
        with self.database.transaction() as connection:
            old = {table: _by_session(_all(connection, table, portfolio)) for table in rows}
            sessions = {session for part in (*rows.values(), *old.values()) for session in part}
            changed = sorted(
                session
                for session in sessions
                if any(rows[table].get(session) != old[table].get(session) for table in rows)
            )
            for table, by_session in rows.items():
                _delete(connection, table, portfolio, [d for d in changed if d in old[table]])
                fresh = [row for session in changed for row in by_session.get(session, ())]
                if fresh:
                    connection.execute(table.insert(), fresh)
        return len(changed)

    def books(
        self, portfolio: str, *, start: date | None = None, end: date | None = None
    ) -> KeptBooks:
        """Return the sessions from `start` to `end`; `MissingDataError` if there is none."""
        if start is not None and end is not None and start > end:
            raise InvalidInputError(
                f"the range {start} to {end} ends before it starts: swap the dates"
            )
        with self.database.reading() as connection:
            spans = _spans(connection)
            heads = _all(connection, pnl_sessions, portfolio, start, end)
            lines = connection.execute(_query(pnl_positions, portfolio, start, end)).all()
            local = _all(connection, pnl_currencies, portfolio, start, end)
        if portfolio not in spans:
            raise MissingDataError(
                f"no day of portfolio {portfolio!r} is kept, there is "
                f"{', '.join(spans) or 'none yet'}: run `quantdesk flows run pnl`"
            )
        span = spans[portfolio]
        if not heads:
            raise MissingDataError(
                f"no session of {portfolio!r} lies between {start or 'the first'} and "
                f"{end or 'the last'}: its books run from {span.first_session} to "
                f"{span.last_session}"
            )
        return KeptBooks(portfolio, span.run_id, span.dataset, _books(heads, lines, local))

    def spans(self) -> Mapping[str, KeptSpan]:
        """Return what is kept, by portfolio."""
        with self.database.reading() as connection:
            return _spans(connection)


def _spans(connection: sa.Connection) -> dict[str, KeptSpan]:
    columns = pnl_sessions.c
    query = (
        sa.select(
            columns.portfolio,
            sa.func.max(columns.run_id).label("run_id"),
            sa.func.max(columns.dataset).label("dataset"),
            sa.func.min(columns.session).label("first"),
            sa.func.max(columns.session).label("last"),
        )
        .group_by(columns.portfolio)
        .order_by(columns.portfolio)
    )
    return {
        row["portfolio"]: KeptSpan(row["run_id"], row["dataset"], row["first"], row["last"])
        for row in connection.execute(query).mappings()
    }


def _all(
    connection: sa.Connection,
    table: sa.Table,
    portfolio: str,
    start: date | None = None,
    end: date | None = None,
) -> list[Values]:
    query = _query(table, portfolio, start, end)
    return [dict(row) for row in connection.execute(query).mappings()]


def _query(
    table: sa.Table, portfolio: str, start: date | None = None, end: date | None = None
) -> sa.Select[Any]:
    query = sa.select(table).where(table.c.portfolio == portfolio).order_by(*table.primary_key)
    if start is not None:
        query = query.where(table.c.session >= start)
    return query if end is None else query.where(table.c.session <= end)


def _delete(
    connection: sa.Connection, table: sa.Table, portfolio: str, sessions: Sequence[date]
) -> None:
    if sessions:
        gone = table.delete().where(
            table.c.portfolio == portfolio, table.c.session == sa.bindparam("gone")
        )
        connection.execute(gone, [{"gone": session} for session in sessions])


def _session_rows(kept: KeptBooks) -> list[Values]:
    daily = kept.books.daily
    return [
        {
            "portfolio": kept.portfolio,
            "session": session,
            "run_id": kept.run_id,
            "dataset": kept.dataset,
            "currency": daily.currency,
            "digits": daily.digits,
            "opening_equity": int(daily.equity[i - 1]) if i else daily.opening,
            "flows": int(daily.flows[i]),
            "equity": int(daily.equity[i]),
            "benchmark_return": _known(float(kept.books.benchmark[i])),
            "traded": None if kept.books.traded is None else int(kept.books.traded[i]),
        }
        for i, session in enumerate(daily.sessions.tolist())
    ]


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _position_rows(portfolio: str, books: ValuedBooks) -> list[Values]:
    """Return a row for each position and session on which anything was held or earned."""
    daily = books.daily
    amounts = np.stack([daily.pnl, daily.fees, daily.market_value, *books.parts], axis=-1)
    sessions = daily.sessions.tolist()
    rows = []
    for column, at in np.argwhere((amounts != 0).any(axis=-1).T):
        book, symbol = daily.keys[at]
        rows.append(
            {
                "portfolio": portfolio,
                "session": sessions[column],
                "fund": book.fund,
                "strategy": book.strategy,
                "account": book.account,
                "symbol": symbol or NO_SYMBOL,
                **dict(zip(AMOUNTS, amounts[at, column].tolist(), strict=True)),
            }
        )
    return rows


def _currency_rows(portfolio: str, books: ValuedBooks) -> list[Values]:
    return [
        {"portfolio": portfolio, "session": session, "currency": currency}
        | dict(zip(PARTS, amounts[:, column].tolist(), strict=True))
        for column, session in enumerate(books.daily.sessions.tolist())
        for currency, amounts in sorted(books.local.items())
    ]


def _by_session(rows: Sequence[Values]) -> dict[date, list[Values]]:
    """Group rows, in one canonical order, by session."""
    found: dict[date, list[Values]] = {}
    for row in rows:
        found.setdefault(row["session"], []).append(row)
    for lines in found.values():
        lines.sort(key=_line_order)
    return found


def _line_order(row: Values) -> tuple[str, ...]:
    """Return the rest of a row's key: how a database sorts text is its own affair."""
    names = ("fund", "strategy", "account", "symbol", "currency")
    return tuple(row.get(name, "") for name in names)


def _books(
    heads: Sequence[Values], lines: Sequence[sa.Row[Any]], local: Sequence[Values]
) -> ValuedBooks:
    # A book and symbol stand on every session: each is made into a key once.
    owners = {line[2:KEY_COLUMNS] for line in lines}
    key_of = {owner: _key(heads[0]["portfolio"], owner) for owner in owners}
    keys = sorted(key_of.values(), key=lambda key: (key[0], key[1] or ""))
    row_of = {key: at for at, key in enumerate(keys)}
    column_of = {head["session"]: at for at, head in enumerate(heads)}
    amounts = np.zeros((len(AMOUNTS), len(keys), len(heads)), dtype=np.int64)
    if lines:
        rows = [row_of[key_of[line[2:KEY_COLUMNS]]] for line in lines]
        columns = [column_of[line[1]] for line in lines]
        values = np.array([line[KEY_COLUMNS:] for line in lines], dtype=np.int64)
        amounts[:, rows, columns] = values.T
    benchmark = [head["benchmark_return"] for head in heads]
    return ValuedBooks(
        daily=DailyBooks(
            currency=heads[0]["currency"],
            digits=heads[0]["digits"],
            sessions=np.array([head["session"] for head in heads], dtype="datetime64[D]"),
            keys=tuple(keys),
            pnl=amounts[0],
            fees=amounts[1],
            market_value=amounts[2],
            flows=np.array([head["flows"] for head in heads], dtype=np.int64),
            equity=np.array([head["equity"] for head in heads], dtype=np.int64),
            opening=heads[0]["opening_equity"],
        ),
        parts=amounts[3:],
        benchmark=np.array([np.nan if b is None else b for b in benchmark], dtype=np.float64),
        local=_local(local, column_of),
        traded=_traded(heads),
    )


def _traded(heads: Sequence[Values]) -> IntArray | None:
    """Return what was traded on each session; None if one was kept before that was counted."""
    amounts = [head["traded"] for head in heads]
    return None if None in amounts else np.array(amounts, dtype=np.int64)


def _local(rows: Sequence[Values], column_of: Mapping[date, int]) -> dict[str, IntArray]:
    """Return each currency's own parts, (n_parts, n_sessions)."""
    found: dict[str, IntArray] = {}
    for row in rows:
        amounts = found.setdefault(
            row["currency"], np.zeros((len(PARTS), len(column_of)), dtype=np.int64)
        )
        amounts[:, column_of[row["session"]]] = [row[name] for name in PARTS]
    return found


def _key(portfolio: str, owner: Sequence[str]) -> Key:
    fund, strategy, account, symbol = owner
    return Book(fund, portfolio, strategy, account), symbol or None
