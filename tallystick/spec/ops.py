"""The vocabulary of operations: what each one needs, gives, and says about nothing.

The table says what each operation takes and gives; ``kernel`` computes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tallystick.errors import DeclarationError
from tallystick.spec.names import nearest_name, quantile_name

# What an op takes from its measure: nothing, any value, a number, a whole number, or a date. Booleans are 0 and 1.
NONE, ANY, NUMBER, WHOLE, DATE = "none", "any", "number", "whole", "date"

# What it gives: int64, double, or the number type of its value (int64 or double).
INT64, DOUBLE, SAME = "int64", "double", "same"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpRule:
    """One row of the table of operations. ``empty`` is what no rows give: ``0`` or ``null``.

    What ``compares`` looks at the window before, too: ``[as_of - 2w, as_of - w)``, or as long as a measure's ``base``.
    """

    takes: str
    gives: str
    empty: str
    words: str
    compares: bool = False


def _comparing(words: str, *, gives: str = DOUBLE, empty: str = "null") -> OpRule:
    return OpRule(takes=ANY, gives=gives, empty=empty, words=words, compares=True)


OP_RULES: dict[str, OpRule] = {
    "count": OpRule(takes=NONE, gives=INT64, empty="0", words="number of rows"),
    "sum": OpRule(takes=NUMBER, gives=SAME, empty="0", words="sum"),
    "active_days": OpRule(takes=NONE, gives=INT64, empty="0", words="number of business days with a row"),
    "distinct": OpRule(takes=ANY, gives=INT64, empty="0", words="number of distinct values"),
    "longest_streak": OpRule(takes=NONE, gives=INT64, empty="0", words="longest run of consecutive active days"),
    "mean": OpRule(takes=NUMBER, gives=DOUBLE, empty="null", words="mean"),
    "std": OpRule(takes=NUMBER, gives=DOUBLE, empty="null", words="sample standard deviation"),
    "std_pop": OpRule(takes=NUMBER, gives=DOUBLE, empty="null", words="population standard deviation"),
    "min": OpRule(takes=NUMBER, gives=SAME, empty="null", words="smallest value"),
    "max": OpRule(takes=NUMBER, gives=SAME, empty="null", words="largest value"),
    "quantile": OpRule(takes=NUMBER, gives=DOUBLE, empty="null", words="quantile"),
    "first": OpRule(takes=NUMBER, gives=SAME, empty="null", words="value of the first row"),
    "last": OpRule(takes=NUMBER, gives=SAME, empty="null", words="value of the last row"),
    "last_k": OpRule(takes=NUMBER, gives=SAME, empty="null", words="value of the k-th last row"),
    "days_since_first": OpRule(takes=NONE, gives=INT64, empty="null", words="whole days since the first row"),
    "days_since_last": OpRule(takes=NONE, gives=INT64, empty="null", words="whole days since the last row"),
    "age_days": OpRule(takes=DATE, gives=INT64, empty="null", words="days since the date last known"),
    "mean_gap": OpRule(takes=NONE, gives=DOUBLE, empty="null", words="mean number of days between rows"),
    "max_gap": OpRule(takes=NONE, gives=INT64, empty="null", words="largest number of days between rows"),
    "entropy": OpRule(takes=ANY, gives=DOUBLE, empty="null", words="entropy of the values, in nats"),
    "top_share": OpRule(takes=ANY, gives=DOUBLE, empty="null", words="share of the most frequent value"),
    "hhi": OpRule(takes=ANY, gives=DOUBLE, empty="null", words="concentration of the values"),
    "pareto": OpRule(takes=WHOLE, gives=INT64, empty="0", words="how few of the values make up this part of their sum"),
    "slope": OpRule(takes=NUMBER, gives=DOUBLE, empty="0", words="trend of the daily totals, per day"),
    "shift_days": OpRule(takes=NUMBER, gives=INT64, empty="null", words="days since the largest shift of daily totals"),
    "shift_size": OpRule(takes=NUMBER, gives=DOUBLE, empty="null", words="shift of daily totals, against those before"),
    "shift_share": OpRule(takes=NUMBER, gives=DOUBLE, empty="null", words="part of the spread that the shift explains"),
    "kept": _comparing("number of values of the window before that come again", gives=INT64, empty="0"),
    "new": _comparing("number of values that the window before does not have", gives=INT64, empty="0"),
    "lost": _comparing("number of values of the window before that do not come again", gives=INT64, empty="0"),
    "kept_share": _comparing("share of the values of the window before that come again"),
    "new_share": _comparing("share of the values that the window before does not have"),
    "jaccard": _comparing("values of both windows as a share of those of either"),
    "similarity": _comparing("cosine of the value counts of both windows"),
    "usual_share": _comparing("share of the rows whose value is a usual one of the window before"),
    "top_kept": _comparing("1 where the most frequent value is that of the window before, else 0", gives=INT64),
    "old_top_share": _comparing("share of the rows with the most frequent value of the window before"),
}

# What can follow a first sum per value of ``each``: what looks at numbers alone, and at no row.
EACH_OPS = ("mean", "std", "std_pop", "min", "max", "quantile", "pareto")

# What can look at the rows of the most frequent value of ``top`` alone.
TOP_OPS = ("count", "sum", "mean", "min", "max", "first", "last", "active_days", "days_since_first", "days_since_last")

# What looks at the daily totals of the window's whole business days, or of the days of the week that a measure names.
SHIFT_OPS = ("shift_days", "shift_size", "shift_share")

# What looks at whole business days: its edges are the midnights inside the window.
WHOLE_DAY_OPS = ("slope", "longest_streak", *SHIFT_OPS)
_SHIFT = re.compile(r"(?P<name>shift_(?:days|size|share))\((?P<days>[1-9][0-9]?)\)")
_LAST_K = re.compile(r"last_(?P<k>[1-9][0-9]?)")
_PART = re.compile(r"(?P<name>quantile|pareto)\((?P<q>0?\.[0-9]{1,6})\)")
_WITH_ARGUMENT = ("quantile", "last_k", "pareto")


@dataclass(frozen=True, kw_only=True, slots=True)
class Op:
    """One operation with its argument: ``k`` of ``last_k`` (2 = the row before the last) and of shifts (the least
    number of days on either side), ``q`` of the others.
    """

    name: str
    k: int = 1
    q: float = 0.0

    @property
    def rule(self) -> OpRule:
        """What the operation takes and gives."""
        return OP_RULES[self.name]

    @property
    def token(self) -> str:
        """The part of a feature's name that stands for this operation: ``sum``, ``q90``, ``shift5_days``."""
        if self.name in SHIFT_OPS and self.k > 1:
            return self.name.replace("shift", f"shift{self.k}")
        if self.name in ("quantile", "pareto"):
            return quantile_name(self.q, prefix="q" if self.name == "quantile" else "pareto")
        return f"last_{self.k}" if self.name == "last_k" else self.name

    @property
    def words(self) -> str:
        """The operation in words, argument included."""
        if self.name == "quantile":
            return f"{self.q:.6g} quantile"
        if self.name == "pareto":
            return f"how few of the values make up {self.q * 100:.6g} % of their sum"
        if self.name in SHIFT_OPS:
            return self.rule.words + (f", {self.k} days or more on either side" if self.k > 1 else "")
        return f"value of the row {self.k - 1} before the last" if self.name == "last_k" else self.rule.words


def parse_op(text: str, *, where: str = "") -> Op:
    """The operation that ``text`` spells: a name of the table, ``quantile(0.9)``, ``pareto(0.8)``,
    ``last_3`` or ``shift_days(5)``. ``last_1`` is refused (write ``last``), as are quantiles and parts outside (0, 1).
    """
    part = _PART.fullmatch(text)
    if part and float(part["q"]) > 0:
        return Op(name=part["name"], q=float(part["q"]))
    shift = _SHIFT.fullmatch(text)
    if shift:
        return Op(name=shift["name"], k=int(shift["days"]))
    last = _LAST_K.fullmatch(text)
    if last and int(last["k"]) > 1:
        return Op(name="last_k", k=int(last["k"]))
    if text in OP_RULES and text not in _WITH_ARGUMENT:
        return Op(name=text)
    spellings = [name for name in OP_RULES if name not in _WITH_ARGUMENT] + ["quantile(0.5)", "pareto(0.8)", "last_2"]
    fix = nearest_name(text, spellings)
    raise DeclarationError(f"operation {text!r} is unknown", where=where, fix=fix, texts=(text,))
