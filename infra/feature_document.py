"""The page of features: each set as a table of what its features say and how, in Markdown."""

from collections.abc import Sequence

from features.definitions import FeatureSet
from features.live_state import live_state_of_all


def feature_document(sets: Sequence[FeatureSet]) -> str:
    """Return the page; a set whose features all stand in a larger one only names that."""
    parts = [
        "# Feature catalogue\n\nWritten by `quantdesk features docs`; the same with your own file "
        "gives its page. Lookback counts the sessions before t that a value rests on; live says "
        "what a live update keeps (see features.md).\n"
    ]
    for each in sets:
        inside = next((other for other in sets if _holds(other, each)), None)
        head = f"\n## {each.label}\n\n"
        reads = f"Reads {', '.join((*each.fields, *each.calendar_fields, *each.context_fields))}."
        if inside is not None:
            left_out = [name for name in inside.names if name not in each.names]
            parts.append(
                f"{head}{reads} The features of {inside.label} without {', '.join(left_out)}.\n"
            )
        else:
            parts.append(f"{head}{reads}\n\n{_table(each)}")
    return "".join(parts)


def _holds(larger: FeatureSet, smaller: FeatureSet) -> bool:
    if len(larger.features) <= len(smaller.features):
        return False
    return set(smaller.features) <= set(larger.features)


def _table(features: FeatureSet) -> str:
    lines = ["| feature | says | lookback | live | formula |\n|---|---|---:|---|---|\n"]
    lines += [
        f"| `{f.name}` | {_cell(f.meaning) or '-'} | {f.lookback} | "
        f"{live_state_of_all([f.expression])} | `{_cell(f.formula)}` |\n"
        for f in features.features
    ]
    return "".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
