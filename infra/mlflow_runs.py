"""A run in MLflow's words: the tags, metrics and descriptions that its pages show."""

import json
from collections.abc import Iterator, Mapping

import numpy as np

from infra.model_store import MODEL_FOLDER
from services.ports import ModelRun

# The description of a run; what fits into a version's description; what a data set's digest holds.
NOTE_TAG, NOTE_LENGTH, DIGEST_LENGTH = "mlflow.note.content", 4900, 36
# What MLflow's pages name as the source of a run.
SOURCE_TAG, SOURCE, COMMIT_TAG = "mlflow.source.name", "quantdesk", "mlflow.source.git.commit"


def tags_of(run: ModelRun) -> Mapping[str, str]:
    """Return the tags of a run: its own, what names its trial, its source and its card."""
    tags = dict(run.tags) | {
        "trial_key": run.trial_key,
        "run_key": run_key(run),
        "estimator": run.estimator,
        SOURCE_TAG: SOURCE,
        COMMIT_TAG: run.tags.get("environment.commit", ""),
    }
    if card := card_of(run):
        tags[NOTE_TAG] = card
    return tags


def points_of(run: ModelRun, *, at: int) -> Iterator[tuple[str, float, int, int]]:
    """Yield key, value, time in milliseconds and step of every metric, series at their own time."""
    for key, value in run.metrics.items():
        yield key, value, at, 0
    for key, points in run.series.items():
        for step, value in points:
            yield key, value, _moment(key, step, at), step


def foretold(run: ModelRun) -> str:
    """Return the first statement of the card: what is foretold; empty without a card."""
    told = next((line for line in card_of(run).splitlines() if line.startswith("- ")), "")
    return told.removeprefix("- ")


def run_key(run: ModelRun) -> str:
    """Name a trial on its data: the same one is kept once."""
    return f"{run.trial_key}:{run.tags.get('data_version', '')}"


def card_of(run: ModelRun) -> str:
    """Return the model card as MLflow shows a description, empty where the run has none."""
    card = run.files.get(f"{MODEL_FOLDER}/card.md", b"").decode()
    return card if len(card) <= NOTE_LENGTH else f"{card[:NOTE_LENGTH]}\n\n(The rest: card.md.)"


def short(value: object) -> str:
    """Return a parameter as MLflow takes it: text of at most 6,000 characters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:6000]


def _moment(key: str, step: int, otherwise: int) -> int:
    """Return where a point of a series stands on MLflow's time axis, in milliseconds."""
    if key.endswith("_by_month"):
        return int(np.datetime64(step, "M").astype("datetime64[ms]").astype(np.int64))
    if key.endswith("_by_year"):
        return int(np.datetime64(step - 1970, "Y").astype("datetime64[ms]").astype(np.int64))
    return otherwise
