"""Commands on live features: `features latest`, `features take`, `features replay`."""

from pathlib import Path
from typing import Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

SetName = Annotated[str, typer.Option("--set", help="A feature set, or your own file.")]
DatasetName = Annotated[str, typer.Option(help="The bars under the features.")]


def latest(
    symbols: Annotated[list[str], typer.Argument(help="Whose features.")],
    name: SetName = "close_momentum",
    dataset: DatasetName = "equities",
    as_json: AsJson = False,
) -> None:
    """Show the newest features of symbols: of the live bars taken so far, else of the lake."""
    from infra.bootstrap import open_desk
    from infra.feature_files import named_set

    with open_desk() as desk:
        found = desk.run(desk.online_store.latest(named_set(name), dataset, symbols))
    names = found.features.names
    vectors = list(found.vectors.values())
    if as_json:
        show_json(
            {
                "feature_set": found.features.label,
                "dataset": dataset,
                "lake_session": found.lake_session,
                "simulated": found.simulated,
                "vectors": [
                    {
                        "symbol": vector.symbol,
                        "session": vector.day,
                        "updated": vector.updated,
                        "features": dict(zip(names, vector.values.tolist(), strict=True)),
                    }
                    for vector in vectors
                ],
            }
        )
        return
    sessions = ", ".join(sorted({f"{vector.day}" for vector in vectors}))
    rows = [
        (feature, *(f"{vector.values[k]:.6g}" for vector in vectors))
        for k, feature in enumerate(names)
    ]
    title = f"{found.features.label} on {dataset}, session {sessions}"
    show_table(title, ("feature", *found.vectors), rows, right=tuple(found.vectors))
    if found.simulated:
        typer.echo(f"{', '.join(found.simulated)} are simulated: the values are no evidence.")


def take(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: symbol, session, fields.")],
    dataset: DatasetName = "equities",
    as_json: AsJson = False,
) -> None:
    """Take bars of sessions that the lake does not hold yet; take them again as they change."""
    from infra.bootstrap import open_desk
    from infra.live_bars import read_bar_file

    with open_desk() as desk:
        taken = [
            desk.run(desk.online_store.take(dataset, session, bars))
            for session, bars in read_bar_file(file).items()
        ]
    if as_json:
        show_json(taken)
        return
    rows = [(f"{each.session}", len(each.symbols)) for each in taken]
    show_table(f"Taken into {dataset}", ("session", "symbols"), rows, right=("symbols",))


def replay(
    name: Annotated[str, typer.Argument(help="A feature set, or your own file.")],
    dataset: DatasetName = "equities",
    sessions: Annotated[int, typer.Option(min=1, max=1000, help="How many of the last.")] = 20,
    ticks: Annotated[int, typer.Option(min=0, max=1000, help="Before each close.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the made-up ticks.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Feed the lake's last sessions as if live, and hold every feature against its batch value."""
    import time

    import numpy as np

    from infra.bootstrap import open_desk
    from infra.feature_files import named_set
    from services.live_replay import replay_live

    with open_desk() as desk:
        found = replay_live(
            desk.features,
            named_set(name),
            dataset,
            sessions=sessions,
            ticks=ticks,
            rng=np.random.default_rng(seed),
            timer=time.perf_counter,
        )
    if as_json:
        show_json(found)
        return
    show_table(
        f"{found.feature_set} on {dataset}, replayed live",
        ("", ""),
        [
            ("sessions", f"{found.sessions}, {found.first_session} to {found.last_session}"),
            ("symbols", f"{found.symbols}"),
            ("ticks", f"{found.ticks}, made up and taken back"),
            ("values", f"{found.values:,} compared with batch, {found.apart} apart"),
            ("worst", f"{found.worst:.1e} relative {found.worst_feature}"),
            ("new bar", f"{found.bar_ms:.2f} ms for every symbol (median)"),
            ("tick", f"{found.tick_ms:.2f} ms for one symbol (median)"),
        ],
    )
