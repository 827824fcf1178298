"""Marks and adjustments by hand: proposed by one person, decided by a second."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from pnl.manual import ManualEntry, ManualKind, ManualState
from services.manual_entries import Proposal
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, Name, body_of, read_body
from serving.schemas import Query as QueryParameters

router = APIRouter(
    prefix="/pnl/manual", tags=["pnl"], responses=problem_responses(401, 403, 404, 409, 422, 503)
)
EntryId = Annotated[str, Path(pattern=r"^man-[0-9a-f]{16}$", examples=["man-0123456789abcdef"])]
Person = Annotated[str, Field(pattern=r"\S", max_length=64, examples=["ann"])]
Words = Annotated[str, Field(pattern=r"\S", max_length=1000, examples=["stale close"])]
Amount = Annotated[str, Field(pattern=r"^-?[0-9]{1,16}(\.[0-9]{1,8})?$", examples=["125.70"])]


class ManualRequest(Body):
    """What to change: a mark's amount is a price, an adjustment's is cash, as text."""

    kind: Literal["mark", "adjustment"]
    portfolio: Name
    day: date = Field(strict=False, examples=["2022-12-28"])
    amount: Amount
    reason: Words
    author: Person
    symbol: str | None = Field(default=None, pattern=r"^[A-Z0-9.^/-]{1,32}$")
    strategy: Name | None = Field(default=None, description="may be left out where there is one")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")


class Decision(Body):
    """What a second person says; a rejection needs a note."""

    approve: bool
    by: Person
    note: Words | None = None


class ManualAnswer(BaseModel):
    """An entry as it stands."""

    entry_id: str
    kind: ManualKind
    portfolio: str
    strategy: str
    day: date
    symbol: str | None
    amount: Decimal
    currency: str
    reason: str
    author: str
    proposed_at: datetime
    state: ManualState
    decided_by: str | None
    decided_at: datetime | None
    note: str | None


class ManualEntriesAnswer(BaseModel):
    """Every entry asked for, oldest first."""

    entries: list[ManualAnswer]


class ManualLine(BaseModel):
    """Who did what, and the entry as it then stood."""

    at: datetime
    actor: str
    entry: ManualAnswer


class ManualJournalAnswer(BaseModel):
    """Every proposal and decision, oldest first; lines are only ever added."""

    journal: list[ManualLine]


class ManualQuery(QueryParameters):
    """Which entries."""

    portfolio: Name | None = None
    state: ManualState | None = None


class JournalQuery(QueryParameters):
    """Which lines."""

    portfolio: Name | None = None


@router.get("", response_model=ManualEntriesAnswer)
async def list_manual_entries(
    request: Request, asked: Annotated[ManualQuery, Query()]
) -> ManualEntriesAnswer:
    """List marks and adjustments by hand, whatever their state."""
    register = context_of(request).desk.manual_entries
    found = await run_sync(lambda: register.entries(portfolio=asked.portfolio, state=asked.state))
    return ManualEntriesAnswer(entries=[_answer(entry) for entry in found])


@router.get("/journal", response_model=ManualJournalAnswer)
async def read_manual_journal(
    request: Request, asked: Annotated[JournalQuery, Query()]
) -> ManualJournalAnswer:
    """Show who proposed, approved or rejected what, and when."""
    register = context_of(request).desk.manual_entries
    found = await run_sync(lambda: register.journal(portfolio=asked.portfolio))
    return ManualJournalAnswer(
        journal=[ManualLine(at=one.at, actor=one.actor, entry=_answer(one.entry)) for one in found]
    )


@router.post(
    "",
    response_model=ManualAnswer,
    status_code=201,
    responses=problem_responses(413),
    openapi_extra=body_of(ManualRequest),
)
async def propose_manual_entry(request: Request) -> ManualAnswer:
    """Propose a mark or an adjustment; it changes nothing until somebody else approves it."""
    asked = await read_body(request, ManualRequest)
    proposal = Proposal(
        kind=ManualKind(asked.kind),
        portfolio=asked.portfolio,
        day=asked.day,
        amount=Decimal(asked.amount),
        reason=asked.reason,
        author=asked.author,
        symbol=asked.symbol,
        strategy=asked.strategy,
        currency=asked.currency,
    )
    register = context_of(request).desk.manual_entries
    return _answer(await run_sync(register.propose, proposal))


@router.post(
    "/{entry_id}/decision",
    response_model=ManualAnswer,
    responses=problem_responses(413),
    openapi_extra=body_of(Decision),
)
async def decide_manual_entry(request: Request, entry_id: EntryId) -> ManualAnswer:
    """Approve or reject what somebody else proposed."""
    said = await read_body(request, Decision)
    register = context_of(request).desk.manual_entries
    return _answer(
        await run_sync(
            lambda: register.decide(entry_id, approve=said.approve, by=said.by, note=said.note)
        )
    )


def _answer(entry: ManualEntry) -> ManualAnswer:
    return ManualAnswer(
        entry_id=entry.entry_id,
        kind=entry.kind,
        portfolio=entry.book.portfolio,
        strategy=entry.book.strategy,
        day=entry.day,
        symbol=entry.symbol,
        amount=entry.amount,
        currency=entry.currency,
        reason=entry.reason,
        author=entry.author,
        proposed_at=entry.proposed_at,
        state=entry.state,
        decided_by=entry.decided_by,
        decided_at=entry.decided_at,
        note=entry.note,
    )
