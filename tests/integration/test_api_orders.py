"""`/orders`: submitted through the controls to the simulated venue, listed, cancelled."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from infra.settings import Settings

Served = Callable[..., AbstractContextManager[httpx.Client]]
BUY = {"symbol": "AAA", "side": "buy", "quantity": "100"}
RESTING = BUY | {"order_type": "limit", "limit_price": "62.00", "time_in_force": "good_till_cancel"}


@pytest.fixture(scope="module")
def state(stocked_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(stocked_state, tmp_path_factory.mktemp("orders") / "state"))


@pytest.fixture(scope="module")
def client(state: Path, served: Served) -> Iterator[httpx.Client]:
    with served(Settings(state_dir=state)) as client:
        yield client


def test_a_market_order_is_filled_and_asking_again_changes_nothing(client: httpx.Client) -> None:
    placed = client.post("/orders", json=BUY | {"cl_ord_id": "o-1"})
    again = client.post("/orders", json=BUY | {"cl_ord_id": "o-1"})

    order = placed.json()
    assert placed.status_code == 201
    assert (order["status"], order["quantity"], order["cum_quantity"]) == ("filled", "100", "100")
    assert Decimal(order["average_price"]) > 0
    assert Decimal(order["fees"]) > 0
    assert again.json() == order
    assert client.get("/orders/o-1").json() == order


def test_a_resting_order_is_listed_as_open_until_it_is_cancelled(client: httpx.Client) -> None:
    price = Decimal(client.post("/orders", json=BUY | {"quantity": 20}).json()["average_price"])
    low = str((price * Decimal("0.95")).quantize(Decimal("0.01")))
    placed = client.post("/orders", json=RESTING | {"cl_ord_id": "o-2", "limit_price": low})
    assert placed.json()["status"] == "new", placed.text
    listed = client.get("/orders", params={"open_only": True}).json()["orders"]

    cancelled = client.delete("/orders/o-2")
    afterwards = client.delete("/orders/o-2")

    assert [order["cl_ord_id"] for order in listed] == ["o-2"]
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "canceled")
    assert afterwards.status_code == 409
    assert client.get("/orders", params={"open_only": True}).json() == {"orders": []}
    assert client.get("/orders", params={"limit": 1}).json()["orders"][0]["cl_ord_id"] == "o-2"


def test_a_refusal_lists_every_breach(client: httpx.Client) -> None:
    answer = client.post("/orders", json=BUY | {"quantity": "900000"})

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].count(";") >= 2


def test_other_terms_under_the_same_id_are_a_conflict(client: httpx.Client) -> None:
    client.post("/orders", json=BUY | {"cl_ord_id": "o-3", "quantity": 30})
    answer = client.post("/orders", json=BUY | {"cl_ord_id": "o-3", "symbol": "BBB"})
    assert answer.status_code == 409


def test_the_same_order_sent_twice_under_two_ids_is_refused(client: httpx.Client) -> None:
    first, second = (client.post("/orders", json=BUY | {"quantity": 40}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 403)
    assert "DUPLICATE" in second.json()["detail"]


def test_a_number_keeps_its_digits_however_it_comes(client: httpx.Client) -> None:
    for quantity in (3, 4.0, "5"):
        order = client.post("/orders", json=BUY | {"quantity": quantity})
        assert Decimal(order.json()["quantity"]) == Decimal(quantity), order.text


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"symbol": "MOON"}, 403, "MOON"),
        ({"symbol": "moon"}, 422, "symbol"),
        ({"side": "hold"}, 422, "side"),
        ({"quantity": 0}, 422, "quantity"),
        ({"quantity": -5}, 422, "quantity"),
        ({"quantity": True}, 422, "quantity"),
        ({"quantity": "NaN"}, 422, "quantity"),
        ({"quantity": "1e400"}, 422, "quantity"),
        ({"quantity": None}, 422, "quantity"),
        ({"quantity": [1]}, 422, "quantity"),
        ({"limit_price": "12.123456789"}, 422, "limit_price"),
        ({"expires_on": "tomorrow"}, 422, "expires_on"),
        ({"cl_ord_id": "a b"}, 422, "cl_ord_id"),
        ({"account": "mine"}, 422, "Extra inputs"),
    ],
)
def test_a_malformed_order_is_a_problem_document(
    client: httpx.Client, change: dict, status: int, words: str
) -> None:
    answer = client.post("/orders", json=BUY | change)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_an_unknown_order_is_404(client: httpx.Client) -> None:
    for answer in (client.get("/orders/none"), client.delete("/orders/none")):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
