"""The report: what it tells, that it stands alone, and that its questions fit the tables' contracts."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from tallystick.report import (
    ModelFacts,
    RunFacts,
    describe_run,
    list_questions,
    print_page,
    render_page,
)
from tallystick.report.blocks import Bars, Code, Facts, Figure, Link, Note, Page, Section, Table, show_cell
from tallystick.report.main_units import show_money
from tallystick.report.model_card import Origin, describe_model_card
from tallystick.report.model_sections import describe_model
from tallystick.spec.columns import group_contract
from tallystick.spec.labels import DelinquencyLabel, label_contract
from tallystick.tables import arrow_schema
from tests.lib import loans
from tests.lib.shipped import shipped_project

LABEL = DelinquencyLabel(name="default")
ORIGIN = Origin(
    version="small_loan/3", registered_on=date(2026, 3, 2), tables={"label.default": 7}, source="Village (village)",
    data_as_of=date(2026, 3, 1), code="tallystick 1.2.3 (abc)",
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"


def facts() -> RunFacts:
    answers = {
        "loads": pa.table(
            {"table_name": ["clean.loans"], "read": [10], "accepted": [8], "rejected": [1], "duplicate": [1],
             "excluded": [0], "entered": [4], "last_load": [date(2026, 3, 1)]}
        ),
        "checks": pa.table({"table_name": ["clean.loans"], "expectations": [5], "critical": [0], "warnings": [0]}),
        "observations txn": pa.table({"rows": [1500], "customers": [1200]}),
        "cohorts": pa.table(
            {"cohort": [2026], "good": [90], "bad": [10], "immature": [3], "indeterminate": [0],
             "without_outcome": [5], "excluded": [0]}
        ),
        "audit": pa.table(
            {"check_name": ["separation"], "feature": ["txn_out_sum_30d"], "value": [0.71], "threshold": [0.95],
             "is_passed": [True], "detail": ["AUC of this feature alone"]}
        ),
        "decisions": pa.table(
            {"decision": ["approve", "decline"], "observations": [40, 10], "mean_pd": [0.03, 0.5],
             "mean_score": [80.0, 20.0], "limits": [120_000_000, 0], "currency": ["CNY", "CNY"]}
        ),
        "scores": pa.table({"band": [2, 8], "observations": [10, 40], "in_training": [5, 25]}),
        "reasons": pa.table({"reason": ["Spending <now>"], "observations": [10]}),
    }  # fmt: skip
    performance = pd.DataFrame(
        [{"algorithm": "scorecard", "is_chosen": True, "rows_of": "out_of_time", "rows": 100.0, "bad": 12.0,
          "auc": 0.81, "auc_low": 0.7, "auc_high": 0.9, "ks": 0.5, "gini": 0.62, "average_precision": 0.4,
          "brier": 0.08,
          "calibration_slope": 1.1}]
    )  # fmt: skip
    variants = pd.DataFrame([{"label": "bad (the model's)", "auc_out_of_time": 0.81, "auc_held_out": float("nan")}])
    model = ModelFacts(
        name="small_loan/3", params={"algorithm": "scorecard"}, metrics={"auc_out_of_time": 0.81},
        tables={"performance": performance, "variants": variants}, plots={"roc.png": PNG},
        gates=[("auc", True, "0.81, at least 0.6")],
    )  # fmt: skip
    return RunFacts(
        recipe=loans.RECIPE, source="bank", label=LABEL, answers=answers, groups=[("txn", 3, 1)],
        places=[("Tables", "W"), ("Data checks", Link(text="checks", href="../docs/validations/bank.html"))],
        commands=["tally tables"], model=model, request_features=2,
    )  # fmt: skip


def test_the_report_tells_the_run_from_rows_to_scores() -> None:
    html = render_page(describe_run(facts()))
    titles = re.findall(r"<h2>(.*?)</h2>", html)
    assert titles == ["Summary", "Rows", "Checks", "Features", "Label", "Leakage audit", "Permitted use",
                      "Performance", "Variants", "Gates",
                      "Scores", "Where things are", "Next", "Words on this page"]  # fmt: skip
    for told in ("recipe small_loan on bank, data as of 2026-03-01", "Every expectation held.", "0.700 to 0.900",
                 "days past due", "0.100", "small_loan/3", "1,500"):  # fmt: skip
        assert told in html, told


def test_the_page_needs_nothing_but_itself() -> None:
    html = render_page(describe_run(facts()))
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#|\.\./docs/)""", html)
    assert "://" not in html
    assert not re.findall(r"url\(", html)
    assert "<script" not in html
    assert "@import" not in html
    assert 'src="data:image/png;base64,' in html


def test_values_are_escaped() -> None:
    html = render_page(describe_run(facts()))
    assert "Spending &lt;now&gt;" in html
    assert "<now>" not in html


def test_the_same_run_gives_the_same_page() -> None:
    assert render_page(describe_run(facts())) == render_page(describe_run(facts()))


def test_a_failed_audit_and_a_retrospective_label_are_said_in_plain_words() -> None:
    found = facts()
    failed = pa.table(
        {"check_name": ["truncation"], "feature": ["txn_out_sum_30d"], "value": [3.0], "threshold": [0.0],
         "is_passed": [False], "detail": ["3 of 50 observations change when later rows are removed"]}
    )  # fmt: skip
    html = render_page(
        describe_run(
            replace(
                found,
                recipe=replace(found.recipe, retrospective="known years later."),
                answers={**found.answers, "audit": failed},
            )
        )
    )
    assert "1 findings failed: no model may be registered from this set." in html
    assert "Retrospective: known years later." in html


def test_a_recipe_without_a_label_gets_a_report_without_model_sections() -> None:
    features = replace(loans.RECIPE, label=None, algorithms=(), policy=None, request=())
    page = describe_run(
        RunFacts(recipe=features, source="s", label=None, answers={}, groups=[("txn", 3, 0)], places=[])
    )
    assert re.findall(r"<h2>(.*?)</h2>", render_page(page)) == ["Summary", "Features"]


def test_the_model_card_names_purpose_label_gates_and_plots() -> None:
    model = facts().model
    assert model is not None
    html = render_page(describe_model_card(loans.RECIPE, LABEL, model, origin=ORIGIN))
    for told in ("Model card: Small loan", LABEL.sentence, "credit decisions", "Gates", "0.81, at least 0.6", "ROC"):
        assert told in html, told


def test_the_verdict_of_the_gates_stands_on_top_of_card_and_report() -> None:
    found = facts()
    assert found.model is not None
    failed = replace(found.model, gates=[("auc", False, "0.55, at least 0.6"), ("bad_rows", True, "90")])
    for model, told in ((failed, "FAILED its gates: auc (0.55, at least 0.6)"), (found.model, "passed all of its 1")):
        pages = (
            describe_model_card(loans.RECIPE, LABEL, model, origin=ORIGIN),
            describe_run(replace(found, model=model)),
        )
        for html in map(render_page, pages):
            assert told in html[: html.index("<nav>")]
            assert "champion" not in html
    refused = describe_run(replace(found, refused="small_loan/4, failed: auc."))
    assert [note.tone for note in refused.banner] == ["bad", "good"]


def test_the_card_says_which_version_it_is_of_and_what_that_learned_from() -> None:
    model = facts().model
    assert model is not None
    learned = {"fitted_rows": 4321, "fitted_bad": 123, "fitted_from": "2024-01-02", "fitted_to": "2025-11-30"}
    model = replace(model, params={**model.params, **learned})
    html = render_page(describe_model_card(loans.RECIPE, LABEL, model, origin=ORIGIN))
    for told in ("small_loan/3", "registered on 2026-03-02", "2024-01-02 to 2025-11-30", "4,321", "123",
                 "label.default", "(chosen)",
                 "Village (village)", "2026-03-01", "tallystick 1.2.3 (abc)"):  # fmt: skip
        assert told in html, told


def test_every_term_of_a_table_is_explained_and_psi_has_its_limits_beside_it() -> None:
    model = facts().model
    assert model is not None
    shifts = pd.DataFrame({"feature": ["pd", "a", "b"], "train_to_test": [0.05, 0.2, 0.3], "train_to_scored": 0.0})
    page = describe_model_card(
        loans.RECIPE, LABEL, replace(model, tables={**model.tables, "stability": shifts}), origin=ORIGIN
    )
    by_title = {section.title: section.blocks for section in page.sections}
    (stability,) = (block for block in by_title["Stability"] if isinstance(block, Table))
    assert {row[0]: row[2] for row in stability.rows} == {"pd": "steady", "a": "watch", "b": "moved"}
    (words,) = (block for block in by_title["Words on this page"] if isinstance(block, Facts))
    (performance,) = (block for block in by_title["Performance"] if isinstance(block, Table))
    assert set(performance.headers) - {"Measured on", "Algorithm", "Rows"} <= {name for name, _ in words.rows}
    assert "PSI" in dict(words.rows)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(120_000_000, "CNY", "1,200,000.00"), (-5, "EUR", "-0.05"), (1234, "JPY", "1,234"), (1234, "KWD", "1.234"),
     (None, "EUR", None)],
)  # fmt: skip
def test_money_is_shown_in_the_main_unit(minor: int | None, currency: str, text: str | None) -> None:
    assert show_money(minor, currency) == text


@pytest.mark.parametrize(
    ("params", "metrics", "told"),
    [
        ({"split": "time", "test_from": "2026-01-01"}, {"late_set_aside": 7.0},
         ["newest rows, from 2026-01-01 on, by a model of older ones whose label was known by then",
          "7 older rows were set aside because their label became known after the test began"]),
        ({"split": "time", "test_from": "2026-01-01"}, {"late_kept": 5.0},
         ["5 older rows had a label that became known after the test began and were kept, as the recipe declares"]),
        ({"split": "random_by_customer", "test_from": ""}, {}, ["the split is random by customer"]),
    ],
)  # fmt: skip
def test_card_and_report_say_how_the_test_was_drawn(
    params: dict[str, str], metrics: dict[str, float], told: list[str]
) -> None:
    found = facts()
    assert found.model is not None
    model = replace(found.model, params={**found.model.params, **params}, metrics={**found.model.metrics, **metrics})
    pages = (describe_model_card(loans.RECIPE, LABEL, model, origin=ORIGIN), describe_run(replace(found, model=model)))
    for html in map(render_page, pages):
        for text in told:
            assert text in html, text


def test_the_terminal_shows_the_marked_sections_without_pictures() -> None:
    out = io.StringIO()
    print_page(describe_run(facts()), out, width=120)
    text = out.getvalue()
    assert "Small loan" in text
    assert re.search(r"clean\.loans +10 +8 +1 +1 +4", text)
    assert "approve" in text
    assert "Leakage audit" not in text
    assert "\x1b[" not in text


def test_every_kind_of_block_is_shown_in_both() -> None:
    blocks = [
        Note(text="a note", tone="warning"), Facts(rows=[("fact", 1)]), Table(headers=("h",), rows=[("cell",)]),
        Bars(rows=[("bar", 2.0), ("none", 0.0)]), Figure(title="figure", png=PNG), Code(text="a command"),
    ]  # fmt: skip
    page = Page(title="t", subtitle="", sections=[Section(title="s", blocks=blocks, in_terminal=True)])
    html, out = render_page(page), io.StringIO()
    print_page(page, out, width=80)
    for told in ("a note", "fact", "cell", "bar", "a command"):
        assert told in html, told
        assert told in out.getvalue(), told
    assert "width: 100.0%" in html


@pytest.mark.parametrize(
    ("cell", "text"),
    [(None, "–"), (float("nan"), "–"), (True, "yes"), (1234567, "1,234,567"), (0.12345, "0.123"), (1.0, "1.000"),
     (12.346, "12.35"), (99.0, "99"), (98765.4, "98,765"), ("text", "text")],
)  # fmt: skip
def test_cells_are_written_for_people(cell: object, text: str) -> None:
    assert show_cell(cell) == text  # type: ignore[arg-type]


def test_every_question_fits_the_contracts_of_its_tables() -> None:
    declared = shipped_project().contracts
    contracts = {c.name: c for c in (group_contract(loans.SPENDING, declared), label_contract(LABEL))}
    with duckdb.connect() as connection:
        for name, question in list_questions(loans.RECIPE, source="bank").items():
            for table in question.tables:
                contract = contracts[table] if table in contracts else declared[table]
                layer, _, short = table.partition(".")
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
                connection.register(f"_{layer}_{short}", arrow_schema(contract.columns).empty_table())
                connection.execute(f"CREATE OR REPLACE VIEW {layer}.{short} AS SELECT * FROM _{layer}_{short}")
            assert connection.sql(question.sql).fetchall() is not None, name


def test_no_part_of_a_page_is_wider_than_a_narrow_screen_and_pictures_follow_the_dark_theme() -> None:
    html = render_page(describe_run(facts()))
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.findall(r"(?:[^-]|min-)width: (?:2[5-9]|[3-9]\d)(?:\.\d+)?rem", style.replace("max-width", "max"))
    assert not re.findall(r"minmax\(\d", style), "a column may not be wider than the page"
    for table in re.findall(r"(.{20})<table(?: class=\"(\w+)\")?>", html):
        assert 'class="scroll"' in table[0] or table[1] == "facts", table
    assert "#ffffff" not in re.findall(r"\nfigure \{[^}]*", style)[0]
    dark = style[style.index("@media screen and (prefers-color-scheme: dark)") :]
    assert "invert(1)" in dark[: dark.index("}\n}")]


def test_a_caption_stands_outside_the_box_that_scrolls_and_passed_checks_are_folded() -> None:
    found = facts()
    audit = found.answers["audit"]
    failed = audit.set_column(4, "is_passed", pa.array([False])).set_column(1, "feature", pa.array(["leaking"]))
    html = render_page(
        describe_run(replace(found, answers={**found.answers, "audit": pa.concat_tables([audit, failed])}))
    )
    assert "<caption" not in html
    assert re.search(r'<p class="caption">Read = accepted[^<]*</p>\s*<div class="scroll"><table>', html)
    (folded,) = re.findall(r"<details><summary>1 checks that passed</summary>(.*?)</details>", html, re.DOTALL)
    assert "txn_out_sum_30d" in folded
    assert "leaking" not in folded
    assert html.count("<td>leaking</td>") == 1


def test_nothing_has_no_bar() -> None:
    bars = Bars(rows=[("some", 2.0), ("none", 0.0)])
    html = render_page(Page(title="t", subtitle="", sections=[Section(title="s", blocks=[bars])]))
    assert len(re.findall(r"<td class=\"bar\"><div", html)) == 1
    assert '<td class="bar"></td>' in html


def test_a_group_of_fewer_than_five_is_named_and_not_told() -> None:
    model = facts().model
    assert model is not None
    segments = pd.DataFrame(
        {"segment": ["gender"] * 2, "value": ["f", "m"], "rows": [4.0, 5.0], "bad": [1.0, 2.0], "bad_rate": [0.25, 0.4]}
    )
    (fairness,) = (
        one for one in describe_model(replace(model, tables={"fairness": segments})) if one.title == "Fairness"
    )
    (table,) = fairness.blocks
    assert isinstance(table, Table)
    assert table.rows == [("gender", "f", "fewer than 5", None, None), ("gender", "m", 5, 2, 0.4)]


def test_a_sum_of_limits_stands_with_the_numbers_and_terms_of_the_label_are_explained() -> None:
    html = render_page(describe_run(facts()))
    assert '<td class="number">1,200,000.00</td>' in html
    assert "Sum of limits, CNY" in html
    words = html[html.index("<h2>Words on this page") :]
    for term in ("Immature", "Without outcome", "Indeterminate", "Excluded"):
        assert f'<th scope="row">{term}</th>' in words
