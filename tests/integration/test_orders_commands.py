"""Orders from the command line, on a state folder as a batch leaves it."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from basics.errors import InvalidInputError, MissingDataError, RefusedError
from infra.settings import Settings
from tests.terminal import Run, terminal


@pytest.fixture
def run(stocked_state: Path, tmp_path: Path) -> Iterator[Run]:
    """Return a function that runs `quantdesk orders …` on a copy of the stocked state."""
    state = tmp_path / "state"
    shutil.copytree(stocked_state, state)
    with terminal(state) as typed:

        def orders(*words: str, group: str = "orders") -> str:
            return typed(group, *words)

        yield orders


def test_an_override_of_the_limit_register_lets_the_next_order_pass(run: Run) -> None:
    first = json.loads(run("submit", "AAA", "buy", "1", "--id", "first", "--json"))
    a_fifth = str(int(200_000 / float(first["average_price"])))
    large = ("submit", "AAA", "buy", a_fifth, "--json", "--id")
    with pytest.raises(RefusedError, match="CONCENTRATION: symbol=AAA scope=symbol"):
        run(*large, "before")

    terms = ("--hard", "0.9", "--until", "2030-12-31", "--reason", "rebalance", "--by", "ann")
    run("override", "weight", "symbol", "*", *terms, group="risk")
    run("override", "largest_position", "strategy", "*", *terms, group="risk")

    assert json.loads(run(*large, "after"))["status"] == "filled"
    with pytest.raises(InvalidInputError, match="an override until 1999-12-31 has expired by"):
        run(
            "override", "weight", "symbol", "*", "--hard", "0.9", "--until", "1999-12-31",
            "--reason", "rebalance", "--by", "ann", group="risk",
        )  # fmt: skip


def test_an_order_goes_from_submit_to_position(run: Run) -> None:
    placed = json.loads(run("submit", "AAA", "buy", "100", "--id", "o1", "--json"))
    again = json.loads(run("submit", "AAA", "buy", "100", "--id", "o1", "--json"))

    assert (placed["status"], placed["cum_quantity"]) == ("filled", "100")
    assert again == placed
    assert json.loads(run("positions", "--json"))["positions"] == {"AAA": "100"}


def test_a_resting_order_is_listed_replaced_and_cancelled(run: Run) -> None:
    price = json.loads(run("submit", "AAA", "buy", "1", "--json"))["average_price"]
    limit = f"{float(price) * 0.95:.2f}"

    assert "new, 0 of 10" in run(
        "submit", "AAA", "buy", "10", "--limit", limit, "--id", "rest", "--lifetime", "gtc"
    )
    assert "rest" in run("ls", "--open")
    assert json.loads(run("replace", "rest", "--quantity", "12", "--json"))["quantity"] == "12"
    assert "canceled" in run("cancel", "rest")
    assert json.loads(run("ls", "--open", "--json")) == []


def test_the_kill_switch_stops_orders_until_released(run: Run) -> None:
    assert "stale feed" in run("kill", "stale feed", "--by", "ann")

    with pytest.raises(RefusedError, match="STATE_KILL_SWITCH"):
        run("submit", "AAA", "buy", "1")
    run("release", "--by", "ann")
    assert "filled" in run("submit", "AAA", "buy", "1")


def test_an_override_is_shown_while_it_is_in_force(run: Run) -> None:
    run("override", "SIZE_ABOVE_NOTIONAL", "--scope", "manual", "--reason", "r", "--by", "ann")
    run("state", "reducing", "--by", "ann", "--scope", "manual")

    shown = json.loads(run("state", "--json"))

    assert [given["rule"] for given in shown["overrides"]] == ["SIZE_ABOVE_NOTIONAL"]
    assert [(s["scope"], s["state"]) for s in shown["switches"]] == [("manual", "reducing")]


def test_a_plan_sums_to_its_order_and_sends_nothing(run: Run) -> None:
    planned = json.loads(run("plan", "vwap", "AAA", "10000", "--slices", "4", "--json"))

    assert sum(int(part["quantity"]) for part in planned["slices"]) == 10_000
    assert planned["expected_cost"] > 0
    assert json.loads(run("ls", "--json")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("submit", "AAA", "hold", "1"), "side is one of buy, sell, short, got 'hold'"),
        (("submit", "AAA", "buy", "many"), "quantity must be a number, got 'many'"),
        (("submit", "AAA", "buy", "nan"), "quantity must be finite"),
        (("submit", "AAA", "buy", "1", "--lifetime", "ever"), "lifetime is one of"),
        (("state", "asleep", "--by", "ann"), "state is one of active, reducing, halted"),
        (("plan", "guess", "AAA", "1"), "algorithm is one of"),
    ],
)
def test_a_mistake_is_told_in_one_line(run: Run, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        run(*words)


def test_an_unknown_order_or_symbol_is_told(run: Run) -> None:
    with pytest.raises(MissingDataError, match="no order 'nobody' is known"):
        run("cancel", "nobody")
    with pytest.raises(RefusedError, match="FORM_SYMBOL_UNKNOWN: symbol=ZZZ"):
        run("submit", "ZZZ", "buy", "1")
    with pytest.raises(MissingDataError, match="no price and volume are known for ZZZ"):
        run("plan", "twap", "ZZZ", "100")


def test_an_applied_remedy_sells_through_the_order_path_and_the_breach_is_gone(run: Run) -> None:
    with pytest.raises(MissingDataError, match="no order of yours was filled"):
        run("remedy", "--own")
    with pytest.raises(InvalidInputError, match="use it without --hedge"):
        run("remedy", "--own", "--apply", "--hedge")
    first = json.loads(run("submit", "AAA", "buy", "1", "--json"))
    # 13% of equity: past the soft limit of a symbol's weight, 12%, within the hard one.
    quantity = str(int(130_000 / float(first["average_price"])))
    run("submit", "AAA", "buy", quantity, "--id", "large")

    told = json.loads(run("remedy", "--own", "--json"))
    assert told["orders"] == []
    (trade,) = told["remedy"]["trades"]
    assert (trade["symbol"], trade["quantity"] < 0) == ("AAA", True)

    applied = json.loads(run("remedy", "--own", "--apply", "--json"))
    (order,) = applied["orders"]
    assert (order["side"], order["status"]) == ("sell", "filled")
    assert float(order["cum_quantity"]) == -trade["quantity"]
    weight = {c["name"]: c for c in applied["left"]["before"] if c["metric"] == "weight"}["AAA"]
    assert weight["state"] == "warn"
    assert abs(weight["value"]) <= weight["soft"]
    assert applied["left"]["trades"] == []


def test_a_portfolio_s_remedy_is_applied_in_simulation_by_two_people_and_reduces_the_breach(
    run: Run,
) -> None:
    def apply(*people: str) -> str:
        return run("remedy", "--apply", "--limits-scale", "0.3", *people, "--json")

    with pytest.raises(InvalidInputError, match="by one person, approved by another"):
        apply("--by", "ann", "--approved-by", "bob")
    with pytest.raises(RefusedError, match="ann cannot approve an own remedy"):
        apply("--reason", "too large", "--by", "ann", "--approved-by", " Ann ")
    with pytest.raises(InvalidInputError, match="core: no trade restores a limit"):
        run("remedy", "--apply", "--limits-scale", "3.9", "--reason", "r", "--by", "a",
            "--approved-by", "b")  # fmt: skip

    people = ("--reason", "too large", "--by", "ann", "--approved-by", "bob")
    with pytest.raises(InvalidInputError, match="would let the drawdown reach 1250%"):
        run("remedy", "--apply", "--limits-scale", "50", *people)

    done, again = (json.loads(apply(*people)) for _ in range(2))

    assert (done["simulated"], done["by"], done["approved_by"]) == (True, "ann", "bob")
    assert done["orders"]
    assert all(order["status"] == "filled" for order in done["orders"])
    before, after = (
        {(c["metric"], c["name"]): c for c in done[when] if c["state"] in {"soft", "hard"}}
        for when in ("before", "after")
    )
    assert len(after) < len(before)
    assert not [key for key in after if key[0] == "weight"]
    assert done["cost"] > 0
    assert again["orders"] == done["orders"]  # Asked twice, sent once.
    assert json.loads(run("ls", "--json")) == []  # The desk's own book is untouched.


def test_the_remedy_is_applied_over_http_and_kept(
    stocked_state: Path,
    tmp_path: Path,
    served: Callable[..., AbstractContextManager[httpx.Client]],
) -> None:
    state = tmp_path / "state"
    shutil.copytree(stocked_state, state)
    asked = {"reason": "too large", "by": "ann", "approved_by": "bob", "limits_scale": 0.3}
    with served(Settings(state_dir=state)) as client:
        assert client.get("/risk/remedy").status_code == 404
        alone = client.post("/risk/remedy", json=asked | {"approved_by": "ann"})
        done = client.post("/risk/remedy", json=asked)
        kept = client.get("/risk/remedy").json()["remedy"]

    assert alone.status_code == 403
    assert done.status_code == 201, done.text
    remedy = done.json()["remedy"]
    assert {order["status"] for order in remedy["orders"]} == {"filled"}
    assert (kept["portfolio"], kept["reason"]) == ("core", "too large")
    assert kept["orders"] == remedy["orders"]
