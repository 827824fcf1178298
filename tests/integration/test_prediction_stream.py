"""From bars to predictions: the stream says what the batch says, and a kill changes nothing."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.sets import feature_set
from infra.bootstrap import Desk, open_desk
from infra.database.engine import Database
from infra.database.prediction_events import DatabasePredictionEvents
from infra.database.predictions import DatabasePredictionLog
from infra.settings import Settings
from market.panel import Panel
from models.arms import Arm
from models.predictors import LinearPredictor
from services.in_service import answer_panel, in_service
from services.ports import ModelRun, PredictionEvent, ServedPrediction
from services.prediction_stream import TOPIC, BarMessage, publish_bars
from services.predictions import Predictions
from tests.integration.stream_run import FEATURE_SET, KILLS, MODEL

DAYS = 12
NAMES = ("return_5", "volatility_20", "rank_return_5")
NOW = datetime(2022, 12, 28, 21, tzinfo=UTC)


@pytest.fixture
def state(stocked_state: Path, tmp_path: Path) -> Path:
    """A desk whose model `pulse` reads three features, and twelve sessions of bars that wait."""
    state = Path(shutil.copytree(stocked_state, tmp_path / "state"))
    chosen = feature_set(FEATURE_SET)
    model = LinearPredictor(
        feature_names=NAMES, centre=(0.0,) * 3, scale=(1.0,) * 3, weights=(1.0, 0.5, 0.1)
    )
    with open_desk(Settings(state_dir=state)) as desk:
        run = ModelRun(
            name=MODEL, estimator="ridge", trial_key="t", parameters={}, metrics={}, series={},
            files={"model/model.json": model.to_native()},
            tags={
                "feature_set": chosen.label, "feature_hash": chosen.content_hash,
                "data_version": "d",
            },
        )  # fmt: skip
        version = desk.models.register(run, format=model.format, input_key="k").version
        desk.models.move_alias(MODEL, "champion", version, expected=None, reason="test")
        desk.run(publish_bars(desk.queue, messages(desk)))
    return state


def messages(desk: Desk) -> list[BarMessage]:
    panel = desk.market_data.panel("equities", fields=("close",))
    last: date = panel.sessions[-1].item()
    closes, rng = panel["close"][:, -1].copy(), np.random.default_rng(4)
    made = []
    for n in range(1, DAYS + 1):
        closes *= 1 + 0.01 * rng.normal(size=len(closes))
        bars = {
            symbol: {"close": float(close), "volume": 1e7}
            for symbol, close in zip(panel.symbols, closes, strict=True)
        }
        made.append(BarMessage(dataset="equities", session=last + timedelta(n), bars=bars))
    return made


def events(state: Path) -> list[PredictionEvent]:
    with open_desk(Settings(state_dir=state)) as desk:
        return list(desk.prediction_events.events(MODEL, limit=1000))


def batch(desk: Desk, told: list[BarMessage]) -> dict[tuple[str, date], float]:
    """Return what the champion says in batch of history and new bars as one panel."""
    history = desk.market_data.panel("equities", fields=("close",))
    new = np.array([[m.bars[s]["close"] for m in told] for s in history.symbols])
    days = np.array([m.session for m in told], "datetime64[D]")
    panel = Panel(
        history.symbols,
        np.concatenate([history.sessions, days]),
        {"close": np.concatenate([history["close"], new], axis=1)},
    )
    whole = feature_set(FEATURE_SET).compute(panel)
    window = whole.window(len(history.sessions), len(panel.sessions))
    serving = in_service(Predictions(desk.models), desk.prediction_log, MODEL)
    return {(a.entity, a.session): a.value for a in answer_panel(serving, window, at=NOW)}


def test_a_stream_killed_at_every_point_answers_each_bar_once_as_the_batch_does(
    state: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.stream_run", str(state)],
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip

    ended = json.loads(done.stdout.strip().splitlines()[-1])
    assert ended == [signal.SIGKILL] * len(KILLS) + [0], done.stderr
    found = events(state)
    with open_desk(Settings(state_dir=state)) as desk:
        told = messages(desk)
        expected = batch(desk, told)
        waiting = {t.topic: t.waiting + t.claimed for t in desk.run(desk.queue.status()).topics}
        logged = {(r.entity, r.session): r.value for r in desk.prediction_log.rows(MODEL)}
    assert [event.session for event in found] == [message.session for message in told]
    assert [event.key for event in found] == [message.key for message in told]
    answered = {(a.entity, a.session): a.value for e in found for a in e.answers}
    assert len(answered) == sum(len(event.answers) for event in found) == 3 * DAYS
    # Live features keep summaries where the batch sums windows: equal but for rounding.
    assert answered == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert logged == answered
    assert waiting.get(TOPIC, 0) == 0


def test_bars_sent_again_and_what_is_no_bar_change_nothing(state: Path) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        refused: list[str] = []
        stream = desk.prediction_stream(MODEL, FEATURE_SET, tell=refused.append)
        desk.run(stream.drain())
        before = desk.prediction_events.events(MODEL)
        told = messages(desk)
        desk.run(publish_bars(desk.queue, told[-1:]))
        desk.run(desk.queue.publish(TOPIC, [b"[]", b'{"dataset": "moon"}']))
        unknown = replace(told[-1], session=told[-1].session + timedelta(1), dataset="moon")
        desk.run(publish_bars(desk.queue, [unknown]))
        for _ in range(4):
            desk.run(stream.take())

        assert desk.prediction_events.events(MODEL) == before
        assert (stream.counts.events, stream.counts.known, stream.counts.refused) == (DAYS, 1, 3)
        assert "holds no bars" in refused[0]
        assert "moon" in refused[-1]


def test_a_session_that_the_lake_holds_is_answered_from_its_rows(state: Path) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        stream = desk.prediction_stream(MODEL, FEATURE_SET, tell=lambda _: None)
        panel = desk.market_data.panel("equities", fields=("close",))
        day: date = panel.sessions[-1].item()
        bars = {s: {"close": float(panel["close"][i, -1])} for i, s in enumerate(panel.symbols)}
        desk.run(publish_bars(desk.queue, [BarMessage(dataset="equities", session=day, bars=bars)]))
        desk.run(stream.drain())

        last = desk.prediction_events.events(MODEL)[-1]
        features = desk.features.panel(FEATURE_SET, "equities")
        newest = features.window(len(features.sessions) - 1, len(features.sessions))
        serving = in_service(Predictions(desk.models), desk.prediction_log, MODEL)
        expected = {a.entity: a.value for a in answer_panel(serving, newest, at=NOW)}
        assert {a.entity: a.value for a in last.answers} == expected


@pytest.fixture
def store(fresh_database: Database) -> DatabasePredictionEvents:
    return DatabasePredictionEvents(fresh_database)


def test_an_event_and_its_answers_are_kept_together_and_once(
    store: DatabasePredictionEvents,
) -> None:
    answer = ServedPrediction(
        model="price", version=1, arm=Arm.CHAMPION, entity="A", session=date(2022, 12, 28),
        value=0.5, answered_at=NOW,
    )  # fmt: skip
    event = PredictionEvent(
        key="k1", model="price", dataset="equities", session=answer.session,
        answers=(answer,), made_at=NOW,
    )  # fmt: skip

    assert store.commit(event)
    assert not store.commit(replace(event, answers=()))
    assert store.commit(replace(event, key="k2", answers=()))

    assert store.known("price", "k1")
    assert not store.known("volatility", "k1")
    first, second = store.events("price")
    assert first == replace(event, sequence=first.sequence)
    assert list(store.events("price", after=first.sequence)) == [second]
    assert list(store.events("price", limit=1)) == [first]
    assert list(DatabasePredictionLog(store.database).rows("price")) == [answer]


def test_a_second_stream_of_a_model_is_refused_while_one_runs(tmp_path: Path) -> None:
    from basics.errors import UnavailableError
    from infra.desk_lock import desk_lock

    async def both() -> None:
        path, doing = tmp_path / "lock", "streaming predictions"
        async with (
            desk_lock(path, timeout_seconds=1.0, doing=doing),
            desk_lock(path, timeout_seconds=0.05, doing=doing),
        ):
            pass

    with pytest.raises(UnavailableError, match="another process has been streaming predictions"):
        asyncio.run(both())
