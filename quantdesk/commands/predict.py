"""Commands of the prediction stream: `predict feed|stream|events`."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

predict = typer.Typer(
    help="New bars in, predictions out, one event for each message.", no_args_is_help=True
)
Model = Annotated[str, typer.Option("--model", help="Which model answers.")]


@predict.command("feed")
def predict_feed(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: symbol, session, fields.")],
    dataset: Annotated[str, typer.Option(help="Dataset that the bars belong to.")] = "equities",
) -> None:
    """Put the bars of a file on the topic `bars`, one message a session."""
    from infra.bootstrap import open_desk
    from infra.live_bars import read_bar_file
    from services.prediction_stream import BarMessage, publish_bars

    messages = [
        BarMessage(dataset=dataset, session=session, bars=bars)
        for session, bars in read_bar_file(file).items()
    ]
    with open_desk() as desk:
        desk.run(publish_bars(desk.queue, messages))
    typer.echo(f"{len(messages)} sessions of {dataset} wait on the topic bars")


@predict.command("stream")
def predict_stream(
    model: Model = "price",
    once: Annotated[bool, typer.Option("--once", help="Answer what waits, then end.")] = False,
) -> None:
    """Answer each message of bars as it comes, until stopped; a restart loses and doubles none."""
    from infra.bootstrap import open_desk
    from infra.desk_lock import desk_lock
    from infra.experiment import load_experiment
    from services.prediction_stream import PredictionStream

    async def work(stream: PredictionStream, lock: Path) -> None:
        async with desk_lock(lock, timeout_seconds=5.0, doing="streaming predictions"):
            await (stream.drain() if once else stream.run())

    with open_desk() as desk:
        stream = desk.prediction_stream(
            model,
            load_experiment(desk.settings.params_file).feature_set,
            tell=lambda line: typer.echo(line, err=True),
        )
        assert desk.database is not None  # The schema is brought up to date before bars come.
        lock = desk.settings.state_dir / f"stream-{model}.lock"
        try:
            desk.run(work(stream, lock))
        except KeyboardInterrupt:
            typer.echo("stopped")
        counts = stream.counts
    typer.echo(
        f"{counts.events} events, {counts.known} messages known before, {counts.refused} refused"
    )


@predict.command("events")
def predict_events(
    model: Model = "price",
    after: Annotated[int, typer.Option(help="Events after this sequence number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what the stream made of each message, oldest first."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        found = desk.prediction_events.events(model, after=after, limit=limit)
    if as_json:
        show_json(found)
        return
    rows: list[tuple[int, date, int, str, str]] = []
    for event in found:
        arms = sorted({f"{answer.arm} v{answer.version}" for answer in event.answers})
        largest = max(event.answers, key=lambda answer: answer.value, default=None)
        best = f"{largest.entity} {largest.value:+.4f}" if largest else ""
        rows.append((event.sequence, event.session, len(event.answers), ", ".join(arms), best))
    columns = ("sequence", "session", "answers", "arms", "largest")
    show_table(f"Events of {model}", columns, rows, right=("sequence", "answers"))
