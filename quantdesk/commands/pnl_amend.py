"""`quantdesk pnl correct` and `pnl cancel`: what the broker says of a fill after the fact."""

from datetime import datetime
from typing import Annotated, Any

import typer

from quantdesk.output import AsJson, show_json

RunName = Annotated[str, typer.Argument(help="Books that hold the fill.")]
Venue = Annotated[str, typer.Argument(help="Venue of the fill.")]
ExecId = Annotated[str, typer.Argument(help="Its execution id.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Day = Annotated[
    datetime | None,
    typer.Option(help="Day to post it on; the last of the books.", formats=["%Y-%m-%d"]),
]
Dataset = Annotated[str, typer.Option(help="Dataset whose symbols are known.")]
Right = Annotated[str | None, typer.Option(help="The right one, where it differs.")]


def pnl_correct(  # noqa: PLR0913, PLR0917 - each is an option of the command
    run: RunName,
    venue: Venue,
    exec_id: ExecId,
    reason: Reason,
    quantity: Right = None,
    price: Right = None,
    fee: Right = None,
    day: Day = None,
    dataset: Dataset = "equities",
    as_json: AsJson = False,
) -> None:
    """Correct the terms of a booked fill; the difference is posted, nothing is taken out."""
    terms = {"quantity": quantity, "price": price, "fee": fee}
    said = {"venue": venue, "exec_id": exec_id, "reason": reason}
    _amend(run, said | _numbers(terms), day, dataset, as_json=as_json)


def pnl_cancel(  # noqa: PLR0913, PLR0917 - each is an option of the command
    run: RunName,
    venue: Venue,
    exec_id: ExecId,
    reason: Reason,
    day: Day = None,
    dataset: Dataset = "equities",
    as_json: AsJson = False,
) -> None:
    """Cancel a booked fill that never happened; what it moved is posted back."""
    said = {"venue": venue, "exec_id": exec_id, "reason": reason, "cancel": True}
    _amend(run, said, day, dataset, as_json=as_json)


def _numbers(terms: dict[str, str | None]) -> dict[str, Any]:
    from decimal import Decimal, InvalidOperation

    from basics.errors import InvalidInputError

    found: dict[str, Any] = {}
    for name, text in terms.items():
        try:
            found[name] = None if text is None else Decimal(text)
        except InvalidOperation:
            raise InvalidInputError(f"{name} {text!r} is no number: write it as 12.50") from None
    return found


def _amend(
    run: str, said: dict[str, Any], day: datetime | None, dataset: str, *, as_json: bool
) -> None:
    from infra.bootstrap import open_desk
    from services.fill_amendments import Amendment, amend_fill

    with open_desk() as desk:
        report = amend_fill(
            desk.books_of(dataset), run, Amendment(**said), day=day.date() if day else None
        )
    if as_json:
        show_json(report)
        return
    done = "posted" if report.booked else "was posted before"
    typer.echo(
        f"{run}: the {'cancel' if said.get('cancel') else 'correction'} of {said['exec_id']} "
        f"({said['venue']}) {done}; it counts with the next valuation: `quantdesk pnl value {run}`"
    )
