"""How the multi-asset demo portfolio trades: from a simulated market to what is booked.

The rules are plain and written down: hold target weights, trade back to them on the first session
of each month, keep a little cash in each currency, roll futures and options as they expire. Fills
are SIMULATED at the close plus half a spread and a fee. Everything that happens without a trade is
booked too: dividends, a split, coupons, redemption, borrow, interest, daily margin, expiry,
exercise and assignment. The answer is a list of events in the order of booking; the same market
gives the same events, and more sessions only add to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np

from basics.instruments import Instrument, OptionRight
from basics.money import round_money, to_decimal
from market.simulated.asset_terms import UNDERLYING, Quarter
from market.simulated.multi_asset import BASE, SimulatedAssets
from pnl.events import (
    CashKind,
    CashMovement,
    CurrencyExchange,
    Dividend,
    Exercise,
    LedgerEvent,
    Settlement,
    Split,
)
from pnl.ledger import Ledger
from pnl.valuation import worth_by_currency
from services.book_closes import RATE_DIGITS, marks_of
from services.multi_asset_rules import (
    BAND,
    BORROW_RATE,
    CALLS_OF_HELD,
    CASH_SHARE,
    CONTRACTS,
    CORE,
    EXCHANGE_SPREAD,
    FUTURE_SHARE,
    MONTHS,
    OVERLAY,
    PUTS_OF_HELD,
    TARGETS,
    WITHHOLDING,
    MultiAssetPlan,
    lots,
    simulated_fill,
)


def traded_events(market: SimulatedAssets, plan: MultiAssetPlan) -> list[LedgerEvent]:
    """Return everything that happened to the portfolio, in the order of booking."""
    trader = _Trader(market, plan)
    first = int(np.searchsorted(market.sessions, np.datetime64(market.first_traded, "D")))
    for at in range(first, len(market.sessions)):
        trader.session(at, is_first=at == first)
    return trader.events


@dataclass(slots=True)
class _Trader:
    """The portfolio as it stands while the sessions go by."""

    market: SimulatedAssets
    plan: MultiAssetPlan
    events: list[LedgerEvent] = field(default_factory=list)
    _ledger: Ledger = field(init=False)
    _at: int = 0
    _day: date = date.min
    _marks: dict[str, Decimal] = field(default_factory=dict)
    _before: dict[str, Decimal] = field(default_factory=dict)
    _rates: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.market.instruments)

    def session(self, at: int, *, is_first: bool) -> None:
        """Book one session: what is due, then trades, then margin."""
        market = self.market
        closes, rates = market.closes, market.rates
        self._at, self._day = at, market.sessions[at].item()
        self._before = marks_of(closes.symbols, closes["close"][:, at - 1])
        self._marks = marks_of(closes.symbols, closes["close"][:, at])
        self._rates = marks_of(rates.symbols, rates["close"][:, at], digits=RATE_DIGITS)
        month_begins = market.sessions[at - 1].item().month != self._day.month
        if is_first:
            self._pay_in()
        self._corporate_actions()
        self._coupons(at)
        self._expiries(at)
        if month_begins and not is_first:
            self._financing()
        if month_begins or is_first:
            self._rebalance()
        listed = [quarter for quarter in market.quarters if quarter.listed == at]
        for quarter in listed:
            self._open_contracts(quarter)
        self._margin(at)

    def _book(self, event: LedgerEvent) -> None:
        self._ledger.book(event, day=self._day)
        self.events.append(event)

    def _held(self, strategy: str, symbol: str) -> Decimal:
        return self._ledger.position(self.plan.book(strategy), symbol).quantity

    def _id(self, kind: str, name: str, strategy: str) -> str:
        return f"{kind}|{self.plan.portfolio}|{strategy}|{name}|{self._day}"

    def _pay_in(self) -> None:
        share = {CORE: Decimal("0.8"), OVERLAY: Decimal("0.2")}
        for strategy, part in share.items():
            amount = Decimal(self.plan.capital) * part
            self._cash(strategy, CashKind.CAPITAL, amount, BASE, None)

    def _cash(
        self, strategy: str, kind: CashKind, amount: Decimal, currency: str, symbol: str | None
    ) -> None:
        money = round_money(amount, currency)
        if money:
            self._book(
                CashMovement(
                    event_id=self._id(kind.value, symbol or currency, strategy),
                    book=self.plan.book(strategy),
                    day=self._day,
                    kind=kind,
                    amount=money,
                    currency=currency,
                    symbol=symbol,
                )
            )

    def _corporate_actions(self) -> None:
        for action in self.market.actions:
            if action.session != self._day:
                continue
            for strategy in self._holders(action.symbol):
                identity = self._id("action", action.symbol, strategy)
                book, currency = self.plan.book(strategy), self._terms(action.symbol).currency
                if action.split != 1.0:
                    self._book(
                        Split(
                            event_id=identity, book=book, symbol=action.symbol, day=self._day,
                            new=round(action.split), old=1,
                        )
                    )  # fmt: skip
                if action.dividend:
                    self._book(
                        Dividend(
                            event_id=identity, book=book, symbol=action.symbol, day=self._day,
                            per_unit=to_decimal(action.dividend, digits=4), currency=currency,
                            withholding=WITHHOLDING.get(action.symbol, Decimal(0)),
                        )
                    )  # fmt: skip

    def _coupons(self, at: int) -> None:
        """Pay the coupons that fell due since the last session, and redeem what has matured."""
        sessions = self.market.sessions
        for symbol in TARGETS[CORE]:
            bond, held = self._terms(symbol).bond, self._held(CORE, symbol)
            if bond is None or not held:
                continue
            before, now = (
                (bond.maturity - sessions[i].item()).days * bond.coupons_per_year / 365.0
                for i in (at - 1, at)
            )
            due = round(np.ceil(before - 1e-9) - np.ceil(max(now, 0.0) - 1e-9))
            coupon = bond.face * bond.coupon_rate / bond.coupons_per_year * due * held
            currency = self._terms(symbol).currency
            self._cash(CORE, CashKind.COUPONS, coupon, currency, symbol)
            if now <= 0:
                self._settle(CORE, symbol, bond.face, final=True)

    def _settle(self, strategy: str, symbol: str, price: Decimal, *, final: bool) -> None:
        self._book(
            Settlement(
                event_id=self._id("final" if final else "margin", symbol, strategy),
                book=self.plan.book(strategy), symbol=symbol, day=self._day, price=price,
                final=final,
            )
        )  # fmt: skip

    def _expiries(self, at: int) -> None:
        """Settle the future; exercise options in the money, let the others lapse."""
        ended = {quarter.code for quarter in self.market.quarters if quarter.settled == at}
        for symbol, instrument in self.market.instruments.items():
            held = self._held(OVERLAY, symbol)
            if not held or instrument.expiry is None or f"{instrument.expiry:%y%m}" not in ended:
                continue
            if instrument.option is None:
                self._settle(OVERLAY, symbol, self._marks[symbol], final=True)
                continue
            sign = 1 if instrument.option.right is OptionRight.CALL else -1
            if sign * (self._marks[UNDERLYING] - instrument.option.strike) > 0:
                self._book(
                    Exercise(
                        event_id=self._id("exercise", symbol, OVERLAY),
                        book=self.plan.book(OVERLAY), symbol=symbol, day=self._day,
                        quantity=abs(held),
                    )
                )  # fmt: skip
            else:
                self._settle(OVERLAY, symbol, Decimal(0), final=True)

    def _financing(self) -> None:
        """Pay a month's borrow on shorts, and interest on the cash of each currency."""
        for strategy in (CORE, OVERLAY):
            book = self.plan.book(strategy)
            for position in self._ledger.positions():
                short = position.book == book and position.quantity < 0
                if short and position.symbol not in self._contracts():
                    value = position.quantity * self._marks[position.symbol]
                    fee = value * BORROW_RATE / MONTHS
                    self._cash(strategy, CashKind.BORROW, fee, position.currency, position.symbol)
            for currency, amount in self._ledger.cash(book).items():
                rate = to_decimal(
                    float(self.market.curves[currency][0, self._at]), digits=RATE_DIGITS
                )
                self._cash(strategy, CashKind.INTEREST, amount * rate / MONTHS, currency, None)

    def _contracts(self) -> set[str]:
        return {s for s, i in self.market.instruments.items() if i.kind in CONTRACTS}

    def _rebalance(self) -> None:
        equity = self._equity()
        for currency in CASH_SHARE:
            self._fund(currency, equity, self._need(currency, equity))
        for strategy, symbol, quantity in self._wanted(equity):
            self._trade(strategy, symbol, quantity)
        if self._held(OVERLAY, UNDERLYING):  # What exercise and assignment left behind.
            self._trade(OVERLAY, UNDERLYING, -self._held(OVERLAY, UNDERLYING))

    def _wanted(self, equity: float) -> Iterator[tuple[str, str, Decimal]]:
        """Yield the trades that lead back to the targets, beyond the band."""
        for strategy, targets in TARGETS.items():
            for symbol, share in targets.items():
                if symbol not in self._marks:
                    continue  # It has matured.
                instrument = self._terms(symbol)
                unit = float(self._marks[symbol]) * self._rate(instrument.currency)
                gap = share * equity - float(self._held(strategy, symbol)) * unit
                if abs(gap) > BAND * equity:
                    yield strategy, symbol, lots(gap / unit, instrument)

    def _need(self, currency: str, equity: float) -> float:
        """Return what the coming trades in a currency will cost, in the base currency."""
        return sum(
            float(quantity) * float(self._marks[symbol]) * self._rate(currency)
            for _, symbol, quantity in self._wanted(equity)
            if self._terms(symbol).currency == currency
        )

    def _fund(self, currency: str, equity: float, need: float) -> None:
        """Exchange so that the cash of a currency stands at its share after the trades."""
        cash = float(self._ledger.cash(self.plan.book(CORE)).get(currency, Decimal(0)))
        rate = self._rate(currency)
        short = CASH_SHARE[currency] * equity + need - cash * rate
        if abs(short) <= BAND * equity:
            return
        dollars = round_money(to_decimal(abs(short), digits=2), BASE)
        price = rate * (1.0 + EXCHANGE_SPREAD if short > 0 else 1.0 - EXCHANGE_SPREAD)
        other = round_money(dollars / to_decimal(price, digits=RATE_DIGITS), currency)
        buys = short > 0
        self._book(
            CurrencyExchange(
                event_id=self._id("exchange", currency, CORE), book=self.plan.book(CORE),
                day=self._day,
                sold=dollars if buys else other, sold_currency=BASE if buys else currency,
                bought=other if buys else dollars, bought_currency=currency if buys else BASE,
            )
        )  # fmt: skip

    def _open_contracts(self, quarter: Quarter) -> None:
        """Open the quarter's future and options, sized on equity and the shares held."""
        shares = float(self._held(CORE, UNDERLYING))
        future = f"SIM-FUT-{quarter.code}"
        notional = float(self._marks[future] * self._terms(future).multiplier)
        sizes = {
            future: FUTURE_SHARE * self._equity() / notional,
            f"SIM-CALL-{quarter.code}": CALLS_OF_HELD * shares / 100.0,
            f"SIM-PUT-{quarter.code}": PUTS_OF_HELD * shares / 100.0,
        }
        for symbol, contracts in sizes.items():
            self._trade(OVERLAY, symbol, lots(contracts, self._terms(symbol)))

    def _margin(self, at: int) -> None:
        for quarter in self.market.quarters:
            symbol = f"SIM-FUT-{quarter.code}"
            if quarter.listed <= at and self._held(OVERLAY, symbol):
                self._settle(OVERLAY, symbol, self._marks[symbol], final=False)

    def _trade(self, strategy: str, symbol: str, quantity: Decimal) -> None:
        """Fill at the close plus half a spread; decided on the close before."""
        if not quantity:
            return
        mid = self._marks[symbol]
        acted = any(a.symbol == symbol and a.session == self._day for a in self.market.actions)
        # On an ex-date the close before is of other units, or with the dividend.
        decided = mid if acted else self._before.get(symbol, mid)
        identity = self._id("fill", symbol, strategy)
        book, terms = self.plan.book(strategy), self._terms(symbol)
        self._book(simulated_fill(identity, book, terms, quantity, (decided, mid), self._day))

    def _equity(self) -> float:
        """Return what the portfolio is worth at the session's close, in the base currency."""
        total = 0.0
        for _, symbol, position, balances in self._ledger.accounts():
            instrument = None if symbol is None else self._terms(symbol)
            worth = worth_by_currency(position, balances, self._marks, instrument)
            total += sum(float(v) * self._rate(currency) for currency, v in worth.items())
        return total

    def _holders(self, symbol: str) -> Sequence[str]:
        return [strategy for strategy in (CORE, OVERLAY) if self._held(strategy, symbol)]

    def _terms(self, symbol: str) -> Instrument:
        return self.market.instruments[symbol]

    def _rate(self, currency: str) -> float:
        return 1.0 if currency == BASE else float(self._rates[currency])
