"""What can be measured at a node of a graph of customers: the operations, what they take and what they give.

Kept apart from ``graphs`` because the stage that measures, and its oracle, go through the same list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeOp:
    """``gives`` is a column's type. ``takes_value`` says that it looks at a value of others, ``takes_payments`` that it
    looks at single payments, ``steps`` how far it may look. ``meaning`` is for readers.
    """

    gives: str
    meaning: str
    takes_value: bool = False
    takes_payments: bool = False
    steps: tuple[int, ...] = (1,)


def _counted(meaning: str, *, takes_value: bool = False, takes_payments: bool = False) -> NodeOp:
    return NodeOp(gives="int64", meaning=meaning, takes_value=takes_value, takes_payments=takes_payments)


def _measured(meaning: str, *, takes_value: bool = False, takes_payments: bool = False) -> NodeOp:
    return NodeOp(gives="double", meaning=meaning, takes_value=takes_value, takes_payments=takes_payments)


def _of_neighbours(meaning: str, *, gives: str = "double") -> NodeOp:
    return NodeOp(gives=gives, meaning=meaning, takes_value=True, steps=(1, 2))


NODE_OPS: Mapping[str, NodeOp] = MappingProxyType(
    {
        "neighbours": _counted("customers tied to, either way"),
        "fan_out": _counted("customers that a tie points to"),
        "fan_in": _counted("customers whose tie points here"),
        "strength": _measured("sum of the weights of the ties, both ways"),
        "reciprocity": _measured("share of the neighbours that are tied both ways; null without any"),
        "mean_age": _measured("days since the ties were first seen, on average; null without any"),
        "least_age": _measured("days since the newest tie was first seen; null without any"),
        "days_quiet": _measured("days since any of the ties was last seen; null without any"),
        "new": _counted("neighbours first seen within the graph's growth_days"),
        "hubs": _counted("things shared with more customers than their cap: they tie nobody"),
        "cut": _counted("ties left out because the customer has more than the graph's most_ties"),
        "component": _counted("customers that can be reached, oneself among them"),
        "growth": _counted("how many of the component were not reached by the ties of growth_days ago"),
        "core": _counted("core number: the greatest k such that k ties remain among those with k ties"),
        "pagerank": _measured("PageRank times the number of customers: 1 is average"),
        "community": _counted("customers of the same community by label propagation, oneself among them"),
        "density": _measured("share of pairs of neighbours that are tied to each other; null below two"),
        "count": _of_neighbours("customers at that distance for whom the value is known", gives="int64"),
        "sum": _of_neighbours("sum of the value over the customers at that distance, 0 where it is known of none"),
        "mean": _of_neighbours("mean of the value, of a flag the share; null where it is known of none"),
        "highest": _of_neighbours("the highest value; null where it is known of none"),
        "weighted_mean": _of_neighbours("mean weighted by strength; null where it is known of none"),
        "component_sum": _measured("sum of the value over the others of the component, 0 where it is known of none",
                                   takes_value=True),
        "component_mean": _measured("mean of the value over the others of the component; null where known of none",
                                    takes_value=True),
        "spread": _measured("value that flows in from others over at most three steps, weaker with every step",
                            takes_value=True),
        "rank": _measured("where walks of one to three steps end that begin at others with a value above 0, times the "
                          "customers", takes_value=True),
        "distance": _measured("1 or 2 steps to the nearest flagged customer; null beyond", takes_value=True),
        "bridge": _counted("groups of other flagged customers tied to", takes_value=True),
        "cycle_length": _counted("payments in the shortest cycle through the customer, 0 without one",
                                 takes_payments=True),
        "cycle_age": _measured("days since such a cycle closed last; null without one", takes_payments=True),
        "cycle_cut": _counted("1 where the search for cycles from the customer's payments was stopped, else 0",
                              takes_payments=True),
    }
)  # fmt: skip
