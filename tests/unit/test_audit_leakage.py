"""The audit finds planted leaks and leaves an honest training set alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.errors import LeakageFound
from tallystick.training import audit, audit_findings
from tallystick.training.audit_alone import check_missing, check_separation

ZONE = "Asia/Shanghai"
AS_OF = datetime(2026, 3, 9, 16, tzinfo=UTC)  # midnight of 2026-03-10 in Shanghai


def events() -> pa.Table:
    """Per customer: one old row, one on the edge, one known too late, one after as_of."""
    rows = [
        (AS_OF - timedelta(days=3), date(2026, 3, 8), 100),
        (AS_OF, date(2026, 3, 10), 20),
        (AS_OF - timedelta(days=1), date(2026, 3, 11), 3),
        (AS_OF + timedelta(days=5), date(2026, 3, 16), 4),
    ]
    listed = [("s:a", *row) for row in rows] + [("s:b", *row) for row in rows]
    return pa.table(
        {
            "customer_id": [r[0] for r in listed],
            "event_at": pa.array([r[1] for r in listed], pa.timestamp("us", tz="UTC")),
            "known_on": pa.array([r[2] for r in listed], pa.date32()),
            "amount_minor": pa.array([r[3] for r in listed], pa.int64()),
        }
    )


def sample() -> pa.Table:
    instants = pa.array([AS_OF, AS_OF], pa.timestamp("us", tz="UTC"))
    return pa.table({"observation_id": ["a", "b"], "customer_id": ["s:a", "s:b"], "as_of": instants})


def total(tables: Mapping[str, pa.Table], observations: pa.Table, *, rule: str) -> pa.Table:
    """Sum of amounts per observation, seeing what the rule lets it see."""
    sums = []
    for row in observations.to_pylist():
        table = tables["clean.transactions"]
        table = table.filter(pc.equal(table["customer_id"], row["customer_id"]))
        before = pc.less(table["event_at"], pa.scalar(row["as_of"], pa.timestamp("us", tz="UTC")))
        known = pc.less_equal(table["known_on"], pa.scalar(date(2026, 3, 10)))
        shown = {"honest": pc.and_(before, known), "ignores known_on": before, "ignores event_at": known}
        sums.append(pc.sum(table.filter(shown[rule])["amount_minor"]).as_py() or 0)
    return observations.append_column("txn_out_sum_all", pa.array(sums, pa.int64()))


def recomputed(rule: str) -> audit.Recomputed:
    tables = {"clean.transactions": events()}
    return audit.Recomputed(
        name="txn", stored=total(tables, sample(), rule=rule), rows=tables, compute=lambda t, o: total(t, o, rule=rule)
    )


def test_features_that_see_only_visible_rows_pass_the_truncation_check() -> None:
    (finding,) = audit.check_truncation([recomputed("honest")], sample(), zone=ZONE)
    assert finding.is_passed
    assert finding.detail == "2 observations, 1 feature tables, 2 values recomputed"


@pytest.mark.parametrize("rule", ["ignores known_on", "ignores event_at"])
def test_a_feature_that_looks_ahead_is_named(rule: str) -> None:
    (finding,) = audit.check_truncation([recomputed(rule)], sample(), zone=ZONE)
    assert not finding.is_passed
    assert (finding.feature, finding.value) == ("txn_out_sum_all", 2.0)
    with pytest.raises(LeakageFound, match="recipe loan: truncation: txn_out_sum_all"):
        audit_findings.stop_on_leak([finding], recipe="loan")


def test_a_feature_of_a_later_review_may_see_what_was_known_then_and_no_more() -> None:
    def audited(shown: int, review_days: int) -> bool:
        def compute(tables: Mapping[str, pa.Table], one: pa.Table) -> pa.Table:
            seen = [
                pc.sum(tables["clean.transactions"].filter(pc.field("customer_id") == who)["amount_minor"]).as_py()
                for who in one["customer_id"].to_pylist()
            ]
            return one.append_column("txn_out_sum_all", pa.array(seen, pa.int64()))

        stored = sample().append_column("txn_out_sum_all", pa.array([shown, shown], pa.int64()))
        rows = {"clean.transactions": events()}
        one = audit.Recomputed(name="txn", stored=stored, rows=rows, compute=compute, review_days=review_days)
        (finding, *_) = audit.check_truncation([one], sample(), zone=ZONE)
        return finding.is_passed

    # The row that is known the day after (3) counts from a review of one day on, that at as_of itself (20) never.
    assert [audited(shown, days) for shown, days in ((100, 0), (103, 1), (103, 9))] == [True] * 3
    assert [audited(shown, days) for shown, days in ((103, 0), (100, 1), (123, 1))] == [False] * 3


def test_a_label_that_was_known_by_the_review_was_known_early() -> None:
    labels = pd.DataFrame(
        {"as_of": [AS_OF], "window_from": [date(2026, 3, 10)], "known_on": [date(2026, 3, 11)], "label": [1.0]}
    )
    for days, is_passed in ((0, True), (1, False)):
        assert audit.check_windows(labels, zone=ZONE, review_days=days)[1].is_passed is is_passed


@pytest.mark.parametrize("is_shared", [False, True], ids=["own rows", "a table of nobody"])
def test_each_observation_is_computed_from_what_it_may_see(is_shared: bool) -> None:
    first, second = AS_OF - timedelta(days=2), AS_OF
    asked = pa.table(
        {
            "observation_id": ["a1", "b", "a2"],
            "customer_id": ["s:a", "s:b", "s:a"],
            "as_of": pa.array([first, second, second], pa.timestamp("us", tz="UTC")),
        }
    )
    tables = {"clean.transactions": events()}
    if is_shared:
        tables["clean.regions"] = pa.table({"region": ["r"], "known_on": pa.array([date(2026, 3, 9)], pa.date32())})
    seen: dict[str, tuple[list[int], int]] = {}

    def compute(visible: Mapping[str, pa.Table], observations: pa.Table) -> pa.Table:
        rows = visible["clean.transactions"]
        for one in observations.to_pylist():
            own = rows.filter(pc.equal(rows["customer_id"], one["customer_id"]))
            regions = visible["clean.regions"].num_rows if is_shared else 1
            seen[one["observation_id"]] = (own["amount_minor"].to_pylist(), regions)
        return observations.append_column("f", pa.array([1] * observations.num_rows, pa.int64()))

    stored = asked.append_column("f", pa.array([1, 1, 2], pa.int64()))
    group = audit.Recomputed(name="g", stored=stored, rows=tables, compute=compute)
    (finding,) = audit.check_truncation([group], asked, zone=ZONE)
    assert (finding.feature, finding.value) == ("f", 1.0)
    assert seen == {"a1": ([100], 0 if is_shared else 1), "b": ([100], 1), "a2": ([100], 1)}


def test_an_observation_that_is_not_stored_fails_the_truncation_check() -> None:
    honest = recomputed("honest")
    gone = audit.Recomputed(name="txn", stored=honest.stored.slice(0, 1), rows=honest.rows, compute=honest.compute)
    (finding,) = audit.check_truncation([gone], sample(), zone=ZONE)
    assert (finding.is_passed, finding.value) == (False, 1.0)


def test_null_equals_null_but_not_zero() -> None:
    stored = sample().append_column("f", pa.array([None, 0], pa.int64()))
    tables = {"clean.transactions": events()}
    same = audit.Recomputed(
        name="g", stored=stored, rows=tables,
        compute=lambda t, o: o.append_column("f", pa.nulls(o.num_rows, pa.int64())),
    )  # fmt: skip
    (finding,) = audit.check_truncation([same], sample(), zone=ZONE)
    assert (finding.is_passed, finding.value) == (False, 1.0)


def labels(window_from: date, known_on: date, label: int | None = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {"as_of": [pd.Timestamp(AS_OF)], "window_from": [window_from], "known_on": [known_on], "label": [label]}
    )


def test_a_label_window_from_the_day_of_as_of_on_passes() -> None:
    found = audit.check_windows(labels(date(2026, 3, 10), date(2026, 6, 8)), zone=ZONE)
    assert [f.is_passed for f in found] == [True, True]


def test_a_label_window_that_begins_before_as_of_fails() -> None:
    found = audit.check_windows(labels(date(2026, 3, 9), date(2026, 6, 8)), zone=ZONE)
    assert [(f.check, f.is_passed) for f in found] == [("window_overlap", False), ("label_known_early", True)]


def test_a_label_known_on_the_day_of_as_of_fails() -> None:
    found = audit.check_windows(labels(date(2026, 3, 10), date(2026, 3, 10)), zone=ZONE)
    assert [(f.check, f.is_passed) for f in found] == [("window_overlap", True), ("label_known_early", False)]


def test_rows_without_a_label_do_not_count() -> None:
    found = audit.check_windows(labels(date(2026, 1, 1), date(2026, 1, 1), label=None), zone=ZONE)
    assert [f.is_passed for f in found] == [True, True]


def training_set(rows: int = 400) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(5)
    label = pd.Series((rng.random(rows) < 0.2).astype(int))
    honest = pd.Series(rng.normal(size=rows) + 0.8 * label)
    gaps = honest.where(rng.random(rows) > 0.3)
    return pd.DataFrame({"honest": honest, "gaps": gaps, "constant": 1.0}), label


def test_an_honest_set_passes_and_its_strongest_features_are_recorded() -> None:
    features, label = training_set()
    found = check_separation(features, label, max_auc=0.95) + check_missing(features, label, max_auc=0.8)
    assert all(f.is_passed for f in found)
    assert "honest" in {f.feature for f in found}
    audit_findings.stop_on_leak(found, recipe="loan")


@pytest.mark.parametrize("direction", [1, -1])
def test_a_feature_that_is_the_label_in_disguise_is_named(direction: int) -> None:
    features, label = training_set()
    features["leak"] = direction * (label * 10 + features["honest"] * 0.1)
    failed = [f.feature for f in check_separation(features, label, max_auc=0.95) if not f.is_passed]
    assert failed == ["", "leak"]


def test_gaps_that_track_the_label_are_named() -> None:
    features, label = training_set()
    features["leak"] = features["honest"].where(label == 0)
    failed = [f.feature for f in check_missing(features, label, max_auc=0.8) if not f.is_passed]
    assert failed == ["", "leak"]


def test_an_imputed_constant_that_tracks_the_label_is_named() -> None:
    features, label = training_set()
    # In the middle of the range, where the rank of the value alone shows little.
    features["leak"] = features["honest"].where(label == 0, 0.4)
    assert [f for f in check_separation(features, label, max_auc=0.95) if not f.is_passed] == []
    failed = [f.feature for f in check_missing(features, label, max_auc=0.8) if not f.is_passed]
    assert failed == ["", "leak"]


def test_few_rows_of_a_class_accuse_nobody() -> None:
    features, label = training_set(20)
    features["leak"] = label
    found = check_separation(features, label, max_auc=0.95) + check_missing(features, label, max_auc=0.8)
    assert all(f.is_passed for f in found)


def test_the_sample_does_not_depend_on_the_order_of_rows() -> None:
    instants = pa.array([AS_OF + timedelta(days=n) for n in range(50)], pa.timestamp("us", tz="UTC"))
    table = pa.table(
        {
            "observation_id": [f"a{n}" for n in range(50)],
            "customer_id": [f"s:{n}" for n in range(50)],
            "as_of": instants,
        }
    )
    backwards = table.take(pa.array(range(49, -1, -1)))
    assert audit.choose_sample(table, 7).equals(audit.choose_sample(backwards, 7))
    assert audit.choose_sample(table, 99).num_rows == 50


def test_findings_become_rows_of_the_leakage_table() -> None:
    table = audit_findings.list_findings(
        [audit_findings.AuditFinding(check="separation", feature="f", value=0.99, threshold=0.95, is_passed=False)],
        run_id="r", recipe="loan", source="bank",
    )  # fmt: skip
    assert table.to_pylist()[0]["feature"] == "f"
    assert table.column_names[-1] == "source"


def versions() -> pa.Table:
    """One event whose last version lies behind as_of, one that is taken back before its date, and a plain one."""
    day = [date(2026, 2, 28) + timedelta(days=number) for number in range(11)]
    rows = [
        ("e1", AS_OF - timedelta(days=9), day[2], day[2], False),
        ("e1", AS_OF - timedelta(days=8), day[9], day[4], False),
        ("e1", AS_OF + timedelta(days=1), day[5], day[5], False),
        ("e2", AS_OF - timedelta(days=9), day[8], day[4], False),
        ("e2", AS_OF - timedelta(days=9), day[6], day[6], True),
        ("e3", AS_OF - timedelta(days=9), day[6], day[6], False),
    ]
    return pa.table(
        {
            "customer_id": ["s:a"] * len(rows),
            "event_id": [row[0] for row in rows],
            "event_at": pa.array([row[1] for row in rows], pa.timestamp("us", tz="UTC")),
            "known_on": pa.array([row[2] for row in rows], pa.date32()),
            "loaded_on": pa.array([row[3] for row in rows], pa.date32()),
            "is_retracted": [row[4] for row in rows],
        }
    )


def test_of_several_versions_the_one_in_force_is_looked_at_and_then_its_time() -> None:
    left: list[list[str]] = []

    def compute(tables: Mapping[str, pa.Table], one: pa.Table) -> pa.Table:
        left.append(tables["clean.visits"]["event_id"].to_pylist())
        return one.append_column("f", pa.array([1]))

    one = sample().slice(0, 1)
    group = audit.Recomputed(
        name="g", stored=one.append_column("f", pa.array([1])), rows={"clean.visits": versions()}, compute=compute,
        event_ids={"clean.visits": "event_id"},
    )  # fmt: skip
    (finding,) = audit.check_truncation([group], one, zone=ZONE)
    assert finding.is_passed
    assert left == [["e3"]]
