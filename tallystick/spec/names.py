"""The grammar of feature names: ``<group>_<measure>[_<filter>]_<op>_<window>[_prev]``.

Every name of a feature is made here and typed nowhere else, so that its parts can be trusted.

    stem     = measure ["_" filter] ["_" value] "_" op          "value" is a declared value of ``by`` or ``other``
    feature  = group "_" stem "_" window ["_prev"]
    ratio    = group "_" stem "_ratio_" window "_" window ["_apart"]
    share    = group "_" name "_share_" window
    distance = group "_" name "_distance_" window               gyration likewise
    months   = group "_" name "_months_" op "_" window
    change   = group "_" stem "_change_" window                 zscore likewise
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from tallystick.errors import DeclarationError

# Names may become column names of Parquet, DuckDB and Spark, and parts of file names.
NAME_PATTERN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

# Delta and Spark take longer ones; people and reports do not.
LONGEST_NAME = 120

OTHER = "other"

# How alike two names must be (difflib's ratio) for one to be offered instead of the other. Two letters swapped in a
# short word give 0.75; names that only share an ending (call_count, card_amount) reach 0.67. A wrong guess costs a
# reader more than none.
NEAR = 0.72


def check_name(kind: str, name: str, *, where: str = "") -> None:
    """Refuse a ``name`` that is not lower-case words joined by single underscores."""
    if not NAME_PATTERN.fullmatch(name) or len(name) > LONGEST_NAME:
        fix = f"lower-case words joined by _, at most {LONGEST_NAME} characters"
        raise DeclarationError(f"{kind} name {name!r} is not a name", where=where, fix=fix, texts=(name,))


def stem_name(measure: str, op: str, *, filter_name: str = "", value: str = "") -> str:
    """What a derived feature refers to: a measure, its filter and value, and an op, without group and window."""
    return "_".join(part for part in (measure, filter_name, value, op) if part)


def feature_name(group: str, stem: str, window: str, *, previous: bool = False) -> str:
    """The column of one aggregate over one window."""
    return f"{group}_{stem}_{window}_prev" if previous else f"{group}_{stem}_{window}"


def share_name(group: str, name: str, window: str) -> str:
    """The column of ``share(a, b)``, called ``name`` in its declaration."""
    return f"{group}_{name}_share_{window}"


def place_name(group: str, name: str, window: str, *, kind: str) -> str:
    """The column of a distance or a gyration (``kind``), called ``name`` in its declaration."""
    return f"{group}_{name}_{kind}_{window}"


def ratio_name(group: str, stem: str, window: str, against: str, *, apart: bool = False) -> str:
    """The column of the rate per day in ``window`` against the rate per day in ``against``; ``apart`` where that one
    ends as this one begins.
    """
    return f"{group}_{stem}_ratio_{window}_{against}" + ("_apart" if apart else "")


def change_name(group: str, stem: str, window: str) -> str:
    """The column of the relative change of a window against the window before it."""
    return f"{group}_{stem}_change_{window}"


def zscore_name(group: str, stem: str, window: str) -> str:
    """The column of a window's distance from the customer's own earlier windows, in standard deviations."""
    return f"{group}_{stem}_zscore_{window}"


def months_name(group: str, name: str, *, op: str, window: str) -> str:
    """The column of an operation over whole calendar months, called ``name`` in its declaration."""
    return f"{group}_{name}_months_{op}_{window}"


def value_name(value: str) -> str:
    """The part of a name that stands for a declared value of ``by``: lower case, other characters become ``_``.

    >>> value_name("Loan payment")
    'loan_payment'
    """
    return re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")


def quantile_name(probability: float, *, prefix: str = "q") -> str:
    """``q90`` for 0.9, ``q97_5`` for 0.975; with another prefix ``pareto80`` for 0.8."""
    return prefix + format(probability * 100, ".10g").replace(".", "_")


def near_name(name: str, known: Iterable[str], *, cutoff: float = NEAR) -> str:
    """The known name that is spelt like ``name``, or the only one that it is a part of; empty when none is."""
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=cutoff)
    if near:
        return near[0]
    held = [known for known in choices if set(name.split("_")) < set(known.split("_"))]  # amount of amount_minor
    return held[0] if len(held) == 1 else ""


def nearest_name(name: str, known: Iterable[str], *, cutoff: float = NEAR) -> str:
    """The advice that goes with an unknown ``name``: the nearest known one, or a few of them when none is near.

    >>> nearest_name("amuont", ["amount", "rate"])
    'did you mean amount?'
    >>> nearest_name("wealth", ["amount", "rate"])
    'known: amount, rate'
    """
    choices: Sequence[str] = sorted(known)
    near = near_name(name, choices, cutoff=cutoff)
    if near:
        return f"did you mean {near}?"
    shown = ", ".join(choices[:8]) + (", ..." if len(choices) > 8 else "")
    return f"known: {shown}" if shown else "none is declared"
