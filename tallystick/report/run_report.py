"""The report of a run: from raw rows to scores, in the order in which things happened.

The sections and their words; results are handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tallystick.report.ablation_section import AblationFacts, describe_dimensions
from tallystick.report.blocks import Amount, Bars, Block, Cell, Code, Facts, Note, Page, Section, Table
from tallystick.report.main_units import show_money
from tallystick.report.model_sections import (
    ModelFacts,
    describe_model,
    gate_banner,
    gates_section,
    permission_section,
    retrospective_notes,
)
from tallystick.report.rules_section import describe_rules
from tallystick.report.watch_section import describe_watch_list
from tallystick.report.words import words_section
from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup
from tallystick.spec.labels import Label
from tallystick.spec.recipes import Recipe
from tallystick.spec.tables import TableContract
from tallystick.spec.watch_lists import WatchList
from tallystick.ties.rings import Ring


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """Everything the report tells.

    ``answers`` are results of ``list_questions`` by name. ``groups`` gives (name, features, of which assumed), and
    ``places`` what lies where. ``model`` is the model in force, ``refused`` tells of a newer version that failed its
    gates, ``ablation`` the newest of its dimensions, if any, ``watch_list`` the list that it ranks, if any, ``ring``
    customers around a confirmed fraud, for a picture. ``protected`` says what features are made of that is protected.
    """

    recipe: Recipe
    source: str
    label: Label | None
    answers: Mapping[str, pa.Table]
    groups: Sequence[tuple[str, int, int]]
    places: Sequence[tuple[str, Cell]]
    commands: Sequence[str] = ()
    model: ModelFacts | None = None
    refused: str = ""
    ablation: AblationFacts | None = None
    watch_list: WatchList | None = None
    ring: Ring | None = None
    rule_titles: Mapping[str, str] = field(default_factory=dict)
    request_features: int = 0
    protected: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = field(default_factory=tuple)


def count_features(
    groups: Iterable[FeatureGroup], contracts: Mapping[str, TableContract], *, assumed: Collection[str]
) -> list[tuple[str, int, int]]:
    """Per group its name, its features, and how many of them are made of the tables named in ``assumed``."""
    counts = [(group, len(group_columns(group, contracts))) for group in groups]
    return [(group.name, count, count if group.reads.intersection(assumed) else 0) for group, count in counts]


def describe_run(facts: RunFacts) -> Page:
    """The whole report; the sections marked for the terminal are its summary."""
    rules = _rules(facts)
    last_loads = [row["last_load"] for row in _rows(facts, "loads") if row["last_load"] is not None]
    seen = f", data as of {max(last_loads)}" if last_loads else ""
    return Page(
        title=facts.recipe.title,
        subtitle=f"recipe {facts.recipe.name} on {facts.source}{seen}",
        banner=_banner(facts),
        sections=[
            Section(title="Summary", blocks=_summary(facts), in_terminal=True),
            Section(title="Rows", blocks=_loads(facts), in_terminal=True),
            Section(title="Checks", blocks=_checks(facts)),
            Section(title="Features", blocks=_features(facts), in_terminal=True),
            Section(title="Label", blocks=_label(facts)),
            Section(title="Leakage audit", blocks=_audit(facts)),
            *([permission_section(facts.recipe, facts.model, protected=facts.protected)] if facts.recipe.label else ()),
            *([*describe_model(facts.model), gates_section(facts.model)] if facts.model else ()),
            *([describe_dimensions(facts.ablation)] if facts.ablation else ()),
            Section(title="Scores", blocks=_scores(facts), in_terminal=True),
            *([rules] if rules else ()),
            *_watch_lists(facts),
            # Not in the terminal: the command that ran the chain says there what comes last.
            Section(title="Where things are", blocks=[Facts(rows=facts.places)] if facts.places else []),
            Section(title="Next", blocks=_next(facts)),
            *([words_section([*facts.model.tables, *facts.answers])] if facts.model else ()),
        ],
    )


def _rules(facts: RunFacts) -> Section | None:
    """The rules about the loans that are listed where the model ranks a list, else about what it learns from."""
    if facts.watch_list is None:
        return describe_rules(facts.answers, observations=facts.recipe.observations, ring=facts.ring)
    listed, title = facts.watch_list.observations, "Rules that give the reasons of the watch list"
    return describe_rules(facts.answers, observations=listed, title=title, decides=False)


def _banner(facts: RunFacts) -> list[Note]:
    refused = [Note(text=facts.refused, tone="bad")] if facts.refused else []
    return [*refused, *(gate_banner(facts.model) if facts.model else ())]


def _watch_lists(facts: RunFacts) -> list[Section]:
    declared = facts.watch_list
    return [describe_watch_list(declared, facts.answers, titles=facts.rule_titles)] if declared else []


def _rows(facts: RunFacts, question: str) -> list[dict[str, Any]]:
    return facts.answers[question].to_pylist() if question in facts.answers else []


def _summary(facts: RunFacts) -> list[Block]:
    told: list[tuple[str, Cell]] = [
        ("Clean rows", sum(row["accepted"] + row["entered"] for row in _rows(facts, "loads"))),
        ("Features", sum(count for _, count, _ in facts.groups) + facts.request_features),
        ("Observations", max((row["rows"] for row in _observed(facts).values()), default=0)),
    ]
    if facts.model:
        told.append(("Model", facts.model.name))
        names = (
            ("AUC, newest rows", "auc_out_of_time"),
            ("KS, newest rows", "ks_out_of_time"),
            ("AUC, customers held out at random", "auc_held_out"),
            ("KS, customers held out at random", "ks_held_out"),
        )
        told += [(title, facts.model.metrics[name]) for title, name in names if name in facts.model.metrics]
        told.append(("AUC, out of fold", facts.model.metrics.get("auc_out_of_fold")))
    scored = sum(row["observations"] for row in _rows(facts, "decisions"))
    if scored:
        told.append(("Observations scored", scored))
    about: list[Block] = [Note(text=facts.recipe.description)] if facts.recipe.description else []
    return [*about, Facts(rows=told), *retrospective_notes(facts.recipe), *(Note(text=text) for text in facts.notes)]


def _loads(facts: RunFacts) -> list[Block]:
    names = ("read", "accepted", "rejected", "duplicate", "excluded", "entered")
    rows = [(row["table_name"], *(row[name] for name in names)) for row in _rows(facts, "loads")]
    headers = ("Table", *(name.capitalize() for name in names[:-1]), "Entered later")
    # Eighty characters have room for six columns of a demo's numbers.
    narrow = [name for name in headers if name != "Excluded" or any(row["excluded"] for row in _rows(facts, "loads"))]
    caption = (
        "Read = accepted + rejected + duplicate + excluded; rejected rows that waited for a parent may enter later"
    )
    return [Table(headers=headers, rows=rows, caption=caption, in_terminal=narrow)] if rows else []


def _checks(facts: RunFacts) -> list[Block]:
    rows = [
        (r["table_name"], r["expectations"], r["critical"], r["warnings"]) for r in _rows(facts, "checks")
    ]  # fmt: skip
    if not rows:
        return []
    blocks: list[Block] = [Table(headers=("Table", "Expectations", "Critical failures", "Warnings"), rows=rows)]
    failed = [
        (r["table_name"], r["expectation"], r["column_name"], r["severity"], r["rows_unexpected"], r["reason"])
        for r in _rows(facts, "failed_checks")
    ]
    if failed:
        headers = ("Table", "Expectation", "Column", "Severity", "Rows", "Why it matters")
        blocks.append(Table(headers=headers, rows=failed, caption="What failed in the last validation"))
    else:
        blocks.append(Note(text="Every expectation held.", tone="good"))
    return blocks


def _observed(facts: RunFacts) -> dict[str, dict[str, Any]]:
    found = {name: _rows(facts, f"observations {name}") for name, _, _ in facts.groups}
    return {name: rows[0] for name, rows in found.items() if rows}


def _features(facts: RunFacts) -> list[Block]:
    observed = _observed(facts)
    rows = [
        (name, count, assumed, observed.get(name, {}).get("rows"), observed.get(name, {}).get("customers"))
        for name, count, assumed in facts.groups
    ]
    if facts.request_features:
        rows.append(("request", facts.request_features, 0, None, None))
    blocks: list[Block] = [Table(headers=("Group", "Features", "Of assumed date", "Rows", "Customers"), rows=rows)]
    if any(assumed for _, _, assumed in facts.groups):
        blocks.append(
            Note(text="Assumed date: from rows whose supplier gives no date; they are taken to have been known always.")
        )
    return blocks


def _label(facts: RunFacts) -> list[Block]:
    if facts.label is None:
        return []
    sentence = facts.label.sentence
    blocks: list[Block] = [Note(text=f"{sentence[0].upper()}{sentence[1:]}."), *retrospective_notes(facts.recipe)]
    names = ("good", "bad", "immature", "indeterminate", "without_outcome", "excluded")
    rows = []
    for row in _rows(facts, "cohorts"):
        decided = row["good"] + row["bad"]
        rate = row["bad"] / decided if decided else None
        rows.append((str(row["cohort"]), *(row[name] for name in names), rate))
    headers = ("Year of as_of", *(name.replace("_", " ").capitalize() for name in names), "Bad rate")
    return [*blocks, Table(headers=headers, rows=rows)] if rows else blocks


def _audit(facts: RunFacts) -> list[Block]:
    found = _rows(facts, "audit")
    if not found:
        return []
    failed = sum(not row["is_passed"] for row in found)
    verdict = (
        Note(text=f"{failed} findings failed: no model may be registered from this set.", tone="bad")
        if failed
        else Note(text="No leak was found. The checks can only accuse; passing them proves nothing.", tone="good")
    )
    headers = ("Check", "Feature", "Value", "Threshold", "Passed", "Detail")
    blocks: list[Block] = [verdict]
    for is_passed, folded in ((False, ""), (True, f"{len(found) - failed:,} checks that passed")):
        rows = [
            (r["check_name"], r["feature"] or "all", r["value"], r["threshold"], is_passed, r["detail"])
            for r in found
            if r["is_passed"] == is_passed
        ]
        blocks += [Table(headers=headers, rows=rows, folded=folded)] if rows else []
    return blocks


def _scores(facts: RunFacts) -> list[Block]:
    decisions = _rows(facts, "decisions")
    if not decisions:
        return []
    bands = {r["band"]: r for r in _rows(facts, "scores")}
    bars = [(f"{band * 10} to {band * 10 + 10}", bands.get(band, {}).get("observations", 0)) for band in range(10)]
    reasons = [(r["reason"], r["observations"]) for r in _rows(facts, "reasons")]
    in_training = sum(r["in_training"] for r in bands.values())
    blocks: list[Block] = [
        _decisions(facts, decisions),
        Note(text=f"The model learned from {in_training:,} of these; performance is stated on rows it had not seen."),
        Bars(rows=bars, caption=f"Observations of {facts.recipe.observations} by score, higher is better"),
    ]
    if reasons:
        caption = "First reason of those not approved" if facts.recipe.policy else "First reason of all"
        blocks.append(Table(headers=("Reason", "Observations"), rows=reasons, caption=caption))
    return blocks


def _decisions(facts: RunFacts, found: Sequence[Mapping[str, Any]]) -> Table:
    """What the policy made of the pds; without a policy only how many there are and how high."""
    if facts.recipe.policy is None:
        rows = [(r["observations"], r["mean_pd"], r["mean_score"]) for r in found]
        return Table(headers=("Observations", "Mean pd", "Mean score"), rows=rows)
    currency = facts.recipe.policy.currency
    decided = []
    for r in found:
        limits = show_money(r["limits"], currency)
        told = (r["decision"], r["observations"], r["mean_pd"], r["mean_score"])
        decided.append((*told, None if limits is None else Amount(text=limits)))
    headers = ("Decision", "Observations", "Mean pd", "Mean score", f"Sum of limits, {currency}")
    caption = f"Limits are what the policy grants together, in {currency} (not in its minor unit)"
    return Table(headers=headers, rows=decided, caption=caption)


def _next(facts: RunFacts) -> list[Block]:
    return [Code(text="\n".join(facts.commands))] if facts.commands else []
