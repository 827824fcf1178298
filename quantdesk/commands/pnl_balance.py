"""`quantdesk pnl balance`: the double entry of a portfolio's books, which comes to zero."""

from quantdesk.commands.pnl_days import End, Scope, Start, books_between
from quantdesk.output import AsJson, show_json, show_table


def pnl_balance(
    portfolio: Scope = None, start: Start = None, end: End = None, as_json: AsJson = False
) -> None:
    """Show the trial balance of a range of days: by account, each currency sums to zero."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        kept = books_between(desk, portfolio, start, end)
        sessions = kept.books.daily.sessions
        first, last = sessions[0].item(), sessions[-1].item()
        found = desk.books_of(kept.dataset).balance_between(
            kept.run_id, portfolio=kept.portfolio, end=last, **({"start": first} if start else {})
        )
    rows = sorted((str(account), currency, amount) for (account, currency), amount in
                  found.amounts.items() if amount)  # fmt: skip
    if as_json:
        accounts = [{"account": a, "currency": c, "amount": m} for a, c, m in rows]
        show_json(
            {"portfolio": kept.portfolio, "start": first, "end": last, "balances": found.balances,
             "totals": found.by_currency, "accounts": accounts}
        )  # fmt: skip
        return
    shown = [(account, currency, f"{amount:,f}") for account, currency, amount in rows]
    totals = [("total", currency, f"{total:,f}") for currency, total in found.by_currency.items()]
    show_table(
        f"{kept.portfolio}, {first} to {last}: the books "
        + ("balance in every currency" if found.balances else "DO NOT BALANCE"),
        ("account", "currency", "amount"), [*shown, *totals], right=("amount",),
    )  # fmt: skip
