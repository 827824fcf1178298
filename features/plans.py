"""The order of work for several expressions: each distinct part once, what it rests on first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.expressions import CrossSection, Expression, Rolling, walk


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of work for a tuple of expressions.

    Attributes
    ----------
    roots : tuple of Expression
    nodes : tuple of Expression
        Every distinct node, inputs first.
    passes : mapping of Expression to tuple of Expression
        For a rolling node, all nodes that the same pass over the same inputs answers.
    done : mapping of Expression to tuple of Expression
        For a node, the inputs that no later node reads and that are no roots.
    whole : bool
        True if some node looks across symbols, so that symbols cannot be chunked.
    """

    roots: tuple[Expression, ...]
    nodes: tuple[Expression, ...]
    passes: Mapping[Expression, tuple[Expression, ...]]
    done: Mapping[Expression, tuple[Expression, ...]]
    whole: bool


def plan(roots: Sequence[Expression]) -> Plan:
    """Order the distinct nodes of `roots`."""
    nodes = tuple(walk(roots))
    groups: dict[tuple[str, tuple[Expression, ...]], list[Expression]] = defaultdict(list)
    for node in nodes:
        if isinstance(node.operator, Rolling):
            groups[node.operator.family, node.args].append(node)
    passes = {node: tuple(group) for group in groups.values() for node in group}
    whole = any(isinstance(node.operator, CrossSection) for node in nodes)
    last = {arg: node for node in nodes for arg in node.args if arg not in set(roots)}
    done: dict[Expression, tuple[Expression, ...]] = dict.fromkeys(nodes, ())
    for arg, node in last.items():
        done[node] += (arg,)
    return Plan(tuple(roots), nodes, passes, done, whole)


def needed_sessions(work: Plan, sessions: int, last: int) -> Mapping[Expression, int]:
    """Return how many of its last sessions each node must have for the roots to have `last`."""
    need = dict.fromkeys(work.nodes, 0)
    need.update(dict.fromkeys(work.roots, last))
    for node in reversed(work.nodes):
        extra = node.operator.history(node.params)
        for arg in node.args:
            need[arg] = min(max(need[arg], need[node] + extra), sessions)
    return need
