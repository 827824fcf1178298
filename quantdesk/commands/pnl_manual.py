"""`quantdesk pnl manual`: marks and adjustments by hand, by four eyes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pnl.manual import ManualEntry

manual = typer.Typer(
    help="Marks and adjustments by hand: one person proposes, a second approves.",
    no_args_is_help=True,
)

Day = Annotated[datetime, typer.Option(help="Session that it counts on.", formats=["%Y-%m-%d"])]
Portfolio = Annotated[str, typer.Option(help="Portfolio whose books it changes.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Author = Annotated[str, typer.Option(help="Who proposes it.")]
By = Annotated[str, typer.Option("--by", help="Who decides; another person than the author.")]
EntryId = Annotated[str, typer.Argument(help="As `pnl manual ls` shows it.")]


@manual.command("mark")
def manual_mark(  # noqa: PLR0913, PLR0917 - each is an option of the command
    symbol: Annotated[str, typer.Argument(help="What to mark.")],
    price: Annotated[str, typer.Argument(help="Price in place of the close.")],
    day: Day,
    portfolio: Portfolio,
    reason: Reason,
    author: Author,
    as_json: AsJson = False,
) -> None:
    """Propose a price in place of a symbol's close on one session."""
    _propose(
        "mark", price, {"symbol": symbol, "day": day, "portfolio": portfolio, "reason": reason,
                        "author": author}, as_json=as_json,
    )  # fmt: skip


@manual.command("adjust")
def manual_adjust(  # noqa: PLR0913, PLR0917 - each is an option of the command
    amount: Annotated[str, typer.Option(help="Cash, negative when taken out.")],
    day: Day,
    portfolio: Portfolio,
    reason: Reason,
    author: Author,
    strategy: Annotated[
        str | None, typer.Option(help="Whose book; may be left out where there is one.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="What it belongs to.")] = None,
    currency: Annotated[str, typer.Option(help="Of the amount.")] = "USD",
    as_json: AsJson = False,
) -> None:
    """Propose cash to be booked by hand."""
    _propose(
        "adjustment", amount,
        {"symbol": symbol, "day": day, "portfolio": portfolio, "reason": reason,
         "author": author, "strategy": strategy, "currency": currency}, as_json=as_json,
    )  # fmt: skip


@manual.command("approve")
def manual_approve(entry_id: EntryId, by: By, as_json: AsJson = False) -> None:
    """Approve a proposal of somebody else: it counts with the next valuation."""
    _decide(entry_id, approve=True, by=by, note=None, as_json=as_json)


@manual.command("reject")
def manual_reject(
    entry_id: EntryId,
    by: By,
    note: Annotated[str, typer.Option(help="Why not.")],
    as_json: AsJson = False,
) -> None:
    """Reject a proposal of somebody else."""
    _decide(entry_id, approve=False, by=by, note=note, as_json=as_json)


@manual.command("ls")
def manual_ls(
    portfolio: Annotated[str | None, typer.Option(help="Only of this portfolio.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every mark and adjustment by hand, decided or not."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        found = desk.manual_entries.entries(portfolio=portfolio)
    _show(found, as_json=as_json)


@manual.command("journal")
def manual_journal(
    portfolio: Annotated[str | None, typer.Option(help="Only of this portfolio.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show who proposed, approved or rejected what, and when; nothing is ever taken out."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        found = desk.manual_entries.journal(portfolio=portfolio)
    if as_json:
        show_json(found)
        return
    show_table(
        "Journal of what was changed by hand",
        ("at", "who", "did", "entry", "kind", "portfolio", "day", "symbol", "amount", "words"),
        [
            (f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, one.entry.state, one.entry.entry_id,
             one.entry.kind, one.entry.book.portfolio, one.entry.day, one.entry.symbol,
             f"{one.entry.amount:,}", one.entry.note or one.entry.reason)
            for one in found
        ],
        right=("amount",),
    )  # fmt: skip


def _propose(kind: str, amount: str, terms: dict[str, object], *, as_json: bool) -> None:
    from decimal import Decimal, InvalidOperation

    from basics.errors import InvalidInputError
    from infra.bootstrap import open_desk
    from pnl.manual import ManualKind
    from services.manual_entries import Proposal

    try:
        number = Decimal(amount)
    except InvalidOperation:
        raise InvalidInputError(f"{amount!r} is no number: write it as 12.50") from None
    day = terms.pop("day")
    assert isinstance(day, datetime)  # typer has parsed it.
    asked = Proposal(kind=ManualKind(kind), amount=number, day=day.date(), **terms)  # type: ignore[arg-type]
    with open_desk() as desk:
        entry = desk.manual_entries.propose(asked)
    _show([entry], as_json=as_json)


def _decide(entry_id: str, *, approve: bool, by: str, note: str | None, as_json: bool) -> None:
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        entry = desk.manual_entries.decide(entry_id, approve=approve, by=by, note=note)
    _show([entry], as_json=as_json)
    if approve and not as_json:
        typer.echo("it counts with the next valuation: `quantdesk flows run pnl`")


def _show(entries: "Sequence[ManualEntry]", *, as_json: bool) -> None:
    if as_json:
        show_json(entries)
        return
    show_table(
        "By hand",
        ("entry", "kind", "portfolio", "day", "symbol", "amount", "reason", "author", "state",
         "decided by"),
        [
            (e.entry_id, e.kind, e.book.portfolio, e.day, e.symbol, f"{e.amount:,}", e.reason,
             e.author, e.state, e.decided_by)
            for e in entries
        ],
        right=("amount",),
    )  # fmt: skip
