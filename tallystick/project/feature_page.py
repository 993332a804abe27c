"""Prints the vocabulary and the declared features as a page.

``python -m tallystick.project.feature_page > docs/features.md``. The page holds what is true of all features and what
is declared of each, so it cannot disagree with the declarations.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tallystick.project.feature_guide import DERIVED, INTRO
from tallystick.project.project import Project, load_project
from tallystick.spec.bases import FeatureColumn
from tallystick.spec.columns import group_columns
from tallystick.spec.combined import Combined
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.features import Change, Derived, FeatureGroup, Measure, Ratio, Share, ZScore, stems_of
from tallystick.spec.geography import Distance, Gyration
from tallystick.spec.months import MONTH_OPS, Months
from tallystick.spec.ops import ANY, DATE, NUMBER, OP_RULES, WHOLE
from tallystick.spec.tables import TableContract

_TAKES = {
    "none": "rows",
    ANY: "any value",
    NUMBER: "a number or truth value",
    WHOLE: "a whole number or truth value",
    DATE: "a date",
}
_SPELLINGS = {"quantile": "quantile(0.9)", "pareto": "pareto(0.8)", "last_k": "last_3"}


def features_page(project: Project) -> str:
    """The page in Markdown: how to declare, every operation, every group's measures and how many columns they make."""
    lines = [INTRO.rstrip("\n")]
    for name, rule in OP_RULES.items():
        gives = "as its value" if rule.gives == "same" else rule.gives
        lines.append(
            f"| `{_SPELLINGS.get(name, name)}` | {_TAKES[rule.takes]} | {gives} | {rule.empty} | {rule.words} |"
        )
    kinds = {True: "condition", False: "number"}
    months = [
        f"| `{_SPELLINGS.get(name, name)}` | {kinds[rule.of_condition]} | {rule.gives} | {rule.words} |"
        for name, rule in MONTH_OPS.items()
    ]
    lines.append(DERIVED.replace("{months}", "\n".join(months)))
    groups = project.feature_groups
    made = {name: group_columns(group, project.contracts) for name, group in groups.items()}
    lines += ["## Declared", "", f"{sum(map(len, made.values()))} features in {len(groups)} groups.", ""]
    lines += ["| group | features | of |", "|---|---|---|"]
    lines += [f"| [{n}](#{n}) | {len(made[n])} | {_prose(g.description or g.table)} |" for n, g in groups.items()]
    for name, group in groups.items():
        lines += ["", *_group_lines(group, made[name], project.contracts)]
    return "\n".join(lines).rstrip() + "\n"


def _group_lines(
    group: FeatureGroup, columns: tuple[FeatureColumn, ...], contracts: Mapping[str, TableContract]
) -> Iterator[str]:
    yield f"### {group.name}"
    yield ""
    yield f"{_prose(group.description)}. {len(columns)} features of `{group.table}`, stored in `{group.feature_table}`."
    yield f"Owner {group.owner}; PII {group.pii}; for {group.permitted_use}."
    if group.where:
        yield f"Only rows where `{group.where}`."
    for lookup in group.lookups:
        yield f"Looks up {len(lookup.columns)} columns of `{lookup.table}` by `{lookup.on}`."
    for among in group.among:
        kept = f" where `{among.where}`" if among.where else ""
        yield f"LAG sees rows of `{among.table}`{kept}."
    if group.beside:
        yield f"Reads features of {', '.join(f'`{other.name}`' for other in group.beside)}."
    yield ""
    yield "| measure | means | ops | filters | windows | columns |"
    yield "|---|---|---|---|---|---|"
    for part in (*group.measures, *group.derived, *group.combined):
        alone = {column.name for column in _columns_of(group, part, contracts)}
        count = sum(column.name in alone for column in columns)
        if count:
            yield _row(group, part, count)


def _columns_of(
    group: FeatureGroup, part: Measure | Derived | Combined, contracts: Mapping[str, TableContract]
) -> tuple[FeatureColumn, ...]:
    """The columns that one measure or derived feature makes."""
    from dataclasses import replace

    if isinstance(part, Combined):
        return tuple(c for c in group_columns(group) if c.formula == COMBINED and c.measure == part.name)
    plain = replace(group, derived=(), beside=(), combined=())
    if isinstance(part, Measure):
        return group_columns(replace(plain, measures=(part,)))
    base = {column.name for column in group_columns(plain)}
    return tuple(c for c in group_columns(replace(plain, derived=(part,))) if c.name not in base)


def _row(group: FeatureGroup, part: Measure | Derived | Combined, count: int) -> str:
    if isinstance(part, Measure):
        filters = [f"`{name}`" if name else "all rows" for name in part.filter_names]
        filters = filters if part.filters else []
        if part.by:
            filters = [f"by `{part.by}`: {len(group.by[part.by])} values and other"]
        windows = [window.text for window in group.windows_of(part)]
        windows += ["each also before"] if part.previous else []
        return _cells(part.name, part.description or _made_of(part), " ".join(part.ops), filters, windows, count)
    if isinstance(part, Combined):
        return _cells(part.name, part.description, COMBINED, [], [], count)
    if isinstance(part, Months):
        means = part.description or _formula(part)
        return _cells(part.name, means, f"months: {' '.join(part.ops)}", [], list(part.windows), count)
    name = part.name if isinstance(part, (Share, Distance, Gyration)) else " ".join(stems_of(part.of))
    windows = list(part.windows) or ["as the measure"]
    return _cells(name, part.description or _formula(part), type(part).__name__.lower(), [], windows, count)


def _cells(name: str, means: str, ops: str, filters: list[str], windows: list[str], count: int) -> str:
    texts = (f"`{name}`", _prose(means), ops, ", ".join(filters), ", ".join(windows), str(count))
    return f"| {' | '.join(texts)} |"


def _made_of(measure: Measure) -> str:
    of = f"`{measure.value}`" if measure.value else "rows"
    of += f" per `{measure.each}`" if measure.each else ""
    of += f" at the most frequent `{measure.top}`" if measure.top else ""
    return f"{of} where `{measure.where}`" if measure.where else of


def _formula(derived: Derived) -> str:
    match derived:
        case Share():
            return f"`{derived.a}` / `{derived.b}`"
        case Months():
            return f"`{derived.value}`"
        case Ratio():
            return f"per day in {derived.window} against {derived.against}" + (" before" if derived.apart else "")
        case Distance():
            other = f"`{derived.b[0]}`" if derived.b else "what it was in the window before"
            return f"kilometres between `{derived.a[0]}` and {other}"
        case Gyration():
            return f"radius of gyration of `{derived.latitude}` and `{derived.longitude}`"
        case Change():
            return "change against the window before"
        case ZScore():
            return f"in standard deviations from the {derived.k} windows before"


def _prose(text: str) -> str:
    """Text for Markdown: no tags, no column breaks; the blanks of a description are named."""
    named = text.replace("{window}", "the window").replace("{filter}", "the filter")
    return named.replace("<", "\\<").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(features_page(load_project(Path.cwd())))
