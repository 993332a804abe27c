"""Prints what a recipe may declare as a page.

``python -m tallystick.project.recipe_page > docs/recipes.md``. Fields, defaults and meanings come from the classes of
``spec``, so the page cannot disagree with them; the example is loaded by a test.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard, Scorecard, Selection
from tallystick.spec.policy import Band, Policy, Scale
from tallystick.spec.recipes import Ablation, Recipe, RequestFeature, ThinFile, Variant
from tallystick.spec.validation import Audit, Choice, Gates, Split

COMMAND = ".venv/bin/python -m tallystick.project.recipe_page > docs/recipes.md"

INTRO = f"""# Recipes

This page is printed from `tallystick/spec/`: run `{COMMAND}` in the
project's folder. A test fails when the page is out of date.

A recipe declares one model: who is observed, what "bad" means, which features it may use, how it is fitted and tested,
and which decision follows from its pd (probability of being bad). It is a Python file in `recipes/` that only holds
declarations. Run these commands in the project's folder (`tally` is `.venv/bin/tally`):

| command | does |
|---|---|
| `tally check` | reports what is wrong with the recipe |
| `tally source check SOURCE --recipe NAME` | reports what a source lacks for the recipe |
| `tally run NAME --source SOURCE=DIR` | runs the recipe from the files in `DIR` to scores |

## An example
"""

EXAMPLE = """from tallystick.spec.algorithms import GradientBoosting, Scorecard, Selection
from tallystick.spec.labels import DelinquencyLabel
from tallystick.spec.recipes import (
    Ablation,
    Audit,
    Band,
    Choice,
    Gates,
    Policy,
    Recipe,
    RequestFeature,
    Scale,
    Split,
    ThinFile,
    Variant,
)

# What "bad" means (docs/labels.md). A label on its own line can be used by several recipes.
LATE = DelinquencyLabel(name="late_30_days", dpd=30, window="90d", anchor="first_due")
VERY_LATE = DelinquencyLabel(name="late_60_days", dpd=60, window="90d", anchor="first_due")

SMALL_LOAN = Recipe(
    name="small_loan",  # also the name of its model in the registry and of its training table
    title="Small loan",  # free text for readers
    description="Probability that a small loan is thirty days late in its first months",
    observations="applications",  # who is observed, and when (docs/observations.md)
    groups=("transactions", "social", "customers"),  # feature groups (docs/features.md)
    leave_out=("customers_region_*",),  # features of these groups that it does not use
    allow_protected={"customers_birth_*": "Age alone tells how long a file can be; the fairness table is watched"},
    label=LATE.name,
    variants=(Variant(name="strict", label=VERY_LATE.name, title="sixty days late"),),  # reported as well
    request=(  # what is asked for, compared with what is known
        RequestFeature(name="amount", expression="amount_minor", sign=1, reason="Amount of the loan"),
        RequestFeature(
            name="balance_to_instalment",
            expression="transactions_balance_mean_30d",
            per="instalment_minor",  # divided by it; null where it is null or 0
            sign=-1,  # a higher value means less risk
            reason="Savings compared with the instalment",
        ),
    ),
    algorithms=(  # the simplest first
        Scorecard(selection=Selection(max_missing=0.7, max_features=15)),
        GradientBoosting(trees=250, leaves=6),
    ),
    choice=Choice(tolerance=0.01),  # the first one whose AUC is within 0.01 of the best
    split=Split(test_share=0.25, folds=5, repeats=1),  # the newest quarter is the test
    ablations=(  # what each part of the features is worth (docs/ablation.md)
        Ablation(name="request", title="what is asked for", groups=("request",), is_base=True),
        Ablation(name="social", title="messages and calls", drop=("social_*",)),
    ),
    thin_file=ThinFile(title="fewer than 20 transactions in 90 days", where="transactions_debit_count_90d < 20"),
    scale=Scale(base_score=60.0, base_odds=10.0, pdo=8.0),  # 60 points at 10 goods per bad
    policy=Policy(
        currency="CNY",
        limit_min_minor=50_000,
        limit_max_minor=30_000_000,
        bands=(
            Band(pd_below=0.05, decision="approve", limit_minor=10_000_000),
            Band(pd_below=0.15, decision="refer", limit_minor=1_000_000),
        ),  # a higher pd is declined
    ),
    audit=Audit(max_auc=0.9),  # the audit fails if one feature alone has more (docs/audit.md)
    gates=Gates(min_auc=0.65),  # with less, the model does not become champion
    seed=1,
    version=1,
)
"""

ALGORITHMS = """Every algorithm gives the log-odds of being bad. They are calibrated on rows that the algorithm was not
fitted on. `name` must differ between two algorithms of a recipe. `features` are name patterns of the features that it
may use: `("social_*", "request_*")`, or `"*"` for all. `selection` chooses among these features."""

SECTIONS: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("The recipe", "", (Recipe,)),
    ("What is asked for", "", (RequestFeature,)),
    ("Algorithms", ALGORITHMS, (OrdinalScorecard, Scorecard, GradientBoosting, Blend, Selection)),
    ("Test and choice", "", (Split, Choice, Audit, Gates)),
    ("Score and decision", "", (Scale, Policy, Band)),
    ("Comparisons", "", (Variant, Ablation, ThinFile)),
)


def recipe_page() -> str:
    """The page as Markdown."""
    parts = [INTRO, f"```python\n{EXAMPLE}```\n"]
    for title, text, classes in SECTIONS:
        parts += [f"## {title}\n", *([f"{text}\n"] if text else [])]
        for declared in classes:
            parts += [f"### {declared.__name__}\n", f"{_meaning(declared)}\n", "\n".join(_fields_table(declared)), ""]
    return "\n".join(parts).rstrip() + "\n"


def _meaning(declared: type) -> str:
    return inspect.cleandoc(declared.__doc__ or "").replace("``", "`")


def _fields_table(declared: type) -> Iterator[str]:
    yield "| field | type | default |"
    yield "|---|---|---|"
    for one in fields(declared):
        kind = str(one.type).replace("|", "or")
        yield f"| `{one.name}` | {kind} | {_default(one)} |"


def _default(one: Field[Any]) -> str:
    if one.default is MISSING and one.default_factory is MISSING:
        return "must be given"
    made = one.default if one.default_factory is MISSING else one.default_factory()
    return f"`{type(made).__name__}()`" if is_dataclass(made) else f"`{made!r}`"


if __name__ == "__main__":
    sys.stdout.write(recipe_page())
