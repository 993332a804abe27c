"""What can be measured at a pair of customers: the operations, what they take and what they give.

Kept apart from ``graph_pairs`` because the stage that measures, and its oracle, go through the same list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True, slots=True)
class PairOp:
    """``gives`` is a column's type. ``takes_kind`` says that it looks at the ties of a kind, ``takes_value`` that it
    adds up the value of the pairs' events. ``meaning`` is for readers.
    """

    gives: str
    meaning: str
    takes_kind: bool = False
    takes_value: bool = False


def _of_kind(meaning: str, *, gives: str = "int64") -> PairOp:
    return PairOp(gives=gives, meaning=meaning, takes_kind=True)


PAIR_OPS: Mapping[str, PairOp] = MappingProxyType(
    {
        "times": PairOp(gives="int64", meaning="events from the customer to the other so far"),
        "times_back": PairOp(gives="int64", meaning="events from the other to the customer so far"),
        "total": PairOp(gives="double", meaning="sum of their value from the customer to the other", takes_value=True),
        "total_back": PairOp(gives="double", meaning="sum of their value the other way", takes_value=True),
        "age": PairOp(gives="double", meaning="days since the first event of the two, either way; null without any"),
        "quiet": PairOp(gives="double", meaning="days since the last event of the two, either way; null without any"),
        "fan_in": PairOp(gives="int64", meaning="customers with an event to the other so far: 0 is new to everybody"),
        "fan_out": PairOp(gives="int64", meaning="customers that the customer has had an event to so far"),
        "tied": _of_kind("1 where the two are tied, else 0"),
        "tied_days": _of_kind("days since they were first seen tied; null where they are not", gives="double"),
        "common": _of_kind("customers that both are tied to, hubs left out"),
        "common_hubs": _of_kind("hubs that both are tied to: with more neighbours than the graph's most_ties"),
        "jaccard": _of_kind("share of common ones among all that either is tied to, hubs left out; null without any",
                            gives="double"),
        "adamic_adar": _of_kind("sum of 1 / ln(neighbours) of the common ones: who knows few says more",
                                gives="double"),
        "distance": _of_kind("1 to 3 steps from one to the other, none through a hub; null beyond", gives="double"),
        "distance_cut": _of_kind("1 where the third step was not searched because both are hubs, else 0"),
        "same_component": _of_kind("1 where one can be reached from the other, else 0"),
        "same_community": _of_kind("1 where both are of one community by label propagation, else 0"),
    }
)  # fmt: skip
