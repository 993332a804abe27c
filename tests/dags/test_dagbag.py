"""The DAGs parse, are cheap to parse, and submit the jobs in the order of the pipeline.

What can be said of DAGs without running them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.pipeline import Place, list_steps
from tallystick.project import load_project
from tallystick.project.rule_checks import list_groups
from tests.dags.conftest import RECIPE, SOURCE, read_facts

Facts = dict[str, Any]


KNOWING = ("audit_leakage", "train_model", "score_observations")
LABELS = "label.dpd30_in_90_days of applications"


def produced(facts: Facts) -> dict[str, str]:
    """The addresses of all that the tasks write, by name."""
    return {
        name: uri
        for dag in facts["dags"].values()
        for task in dag["tasks"].values()
        for name, uri in task["outlets"].items()
    }


def submitted(facts: Facts, dag: str) -> dict[str, Any]:
    """The tasks of a DAG that submit a job, by the job's name."""
    tasks = facts["dags"][dag]["tasks"].values()
    return {Path(task["application"]).stem: task for task in tasks if task["application"]}


def test_the_dags_load_without_an_error(facts: Facts) -> None:
    assert facts["errors"] == {}
    assert sorted(facts["dags"]) == ["daily_lending", "monthly_maintenance", "training"]


@pytest.mark.parametrize("heavy", ["pyspark", "mlflow", "great_expectations", "pandas", "lightgbm", "deltalake"])
def test_parsing_imports_nothing_heavy(facts: Facts, heavy: str) -> None:
    assert heavy not in facts["modules"]


def test_every_dag_says_what_it_is_and_who_answers_for_it(facts: Facts) -> None:
    for name, dag in facts["dags"].items():
        assert len(dag["doc"]) > 200, name
        assert {"tallystick"} < set(dag["tags"]), name
        assert (dag["catchup"], dag["max_active_runs"]) == (False, 16), name
        assert dag["params"][0] == "date", name
        for task_id, task in dag["tasks"].items():
            assert task["owner"] in {"data-engineering", "machine-learning"}, task_id
            assert (task["retries"], task["waits"]) == (2, [5.0, 2.0]), task_id
            assert len(task["doc"]) > 50, task_id
            assert task["weight_rule"] == "upstream", task_id


def test_every_submitted_job_exists_and_takes_turns_with_the_other_writers(facts: Facts, project_root: Path) -> None:
    for name in facts["dags"]:
        for job, task in submitted(facts, name).items():
            assert (project_root / "jobs" / f"{job}.py").is_file()
            assert task["pool"] == "tallystick_writers"
            assert task["properties"] == str(project_root / "conf/local/spark-defaults.conf")


def test_every_asset_that_starts_a_dag_has_a_producer(facts: Facts) -> None:
    assert facts["dags"]["training"]["triggers"] == [LABELS]
    assert {trigger for dag in facts["dags"].values() for trigger in dag["triggers"]} <= set(produced(facts))


def test_what_a_task_writes_are_its_outlets_at_the_addresses_of_tables(facts: Facts) -> None:
    daily, training = facts["dags"]["daily_lending"]["tasks"], facts["dags"]["training"]["tasks"]
    assert {"clean.transactions", "clean.applications", "monitor.loads"} < set(
        daily[f"{SOURCE}.ingest_source"]["outlets"]
    )
    assert set(daily[f"{SOURCE}.build_labels"]["outlets"]) == {"label.dpd30_in_90_days", LABELS}
    assert list(training[f"{SOURCE}.train_model"]["outlets"]) == [f"training.{RECIPE}", f"model {RECIPE}"]
    for dag in (daily, training):
        assert list(dag[f"{SOURCE}.score_observations"]["outlets"]) == ["score.applications"]
    found = produced(facts)
    home = found["score.applications"].removesuffix("/score/applications")
    assert home.startswith("file:///")
    assert home.endswith("/warehouse")
    assert found[LABELS] == f"{home}/label/dpd30_in_90_days/observations=applications"
    assert found[f"deliveries of {SOURCE}"] == f"{home.removesuffix('warehouse')}deliveries"
    assert found[f"model {RECIPE}"] == f"models:/{RECIPE}"
    # Airflow keeps one active asset for a name, and one for an address.
    assert len(set(found.values())) == len(found)


def test_the_two_dags_together_run_every_job_of_the_pipeline_in_its_order(facts: Facts, project_root: Path) -> None:
    recipe = load_project(project_root).recipes[RECIPE]
    order = [
        step.job
        for step in list_steps(
            recipe, {SOURCE: Path("deliveries")}, place=Place(project=project_root, warehouse=Path())
        )
    ]
    daily, training = (list(submitted(facts, dag)) for dag in ("daily_lending", "training"))
    assert daily == [job for job in order if job in daily]
    assert training == [job for job in order if job in training]
    assert {*daily, *training} == set(order)


def test_a_task_waits_for_the_one_before_it(facts: Facts) -> None:
    tasks = facts["dags"]["daily_lending"]["tasks"]
    chain = ["wait_for_delivery", "ingest_source", "validate_tables", "compute_features", "build_labels"]
    for before, after in zip(chain, [*chain[1:], "score_observations"], strict=True):
        assert tasks[f"{SOURCE}.{after}"]["upstream"] == [f"{SOURCE}.{before}"]
    assert tasks[f"{SOURCE}.wait_for_delivery"]["upstream"] == ["business_date"]


def test_every_dag_begins_with_a_look_at_its_date(facts: Facts, all_facts: Facts) -> None:
    for found in (facts, all_facts):
        for name, dag in found["dags"].items():
            assert [task for task, told in dag["tasks"].items() if not told["upstream"]] == ["business_date"], name


def test_maintenance_compacts_each_source_and_then_removes_what_nothing_needs(facts: Facts) -> None:
    tasks = facts["dags"]["monthly_maintenance"]["tasks"]
    assert list(submitted(facts, "monthly_maintenance")) == ["compact_events", "vacuum_tables"]
    assert tasks["vacuum_tables"]["upstream"] == [f"{SOURCE}.compact_events"]
    assert facts["dags"]["monthly_maintenance"]["triggers"] == []


def test_dates_come_from_the_run_and_never_from_the_clock(facts: Facts) -> None:
    jobs = submitted(facts, "daily_lending")
    assert "--load-date {{ business_date(dag_run) }}" in " ".join(jobs["ingest_source"]["arguments"])
    # The one date that is of the day itself: Airflow keeps when a try began.
    began = "{{ params.run_date or began_on(ti, 'Asia/Shanghai') }}"
    assert f"--run-date {began}" in " ".join(jobs["ingest_source"]["arguments"])
    assert "--to {{ business_date(dag_run) }}" in " ".join(jobs["score_observations"]["arguments"])
    assert "--cutoff {{ business_date(dag_run) }}" in " ".join(jobs["build_labels"]["arguments"])
    for dag, job in [("daily_lending", "score_observations"), *(("training", job) for job in KNOWING)]:
        told = " ".join(submitted(facts, dag)[job]["arguments"])
        assert "--known-by {{ business_date(dag_run) }}" in told, job
    assert "--keep-newer" in jobs["build_labels"]["arguments"]
    for job in ("compute_features", "score_observations"):
        assert "--look-back {{ 0 if params.first else 92 }}" in " ".join(jobs[job]["arguments"]), job
    compaction = submitted(facts, "monthly_maintenance")["compact_events"]
    assert f"--source {SOURCE} --as-of {{{{ business_date(dag_run) }}}}" in " ".join(compaction["arguments"])


def test_a_try_is_new_work_for_the_store(facts: Facts) -> None:
    for job, task in submitted(facts, "daily_lending").items():
        assert "--run-id {{ run_id }}/{{ ti.task_id }}/{{ ti.try_number }}" in " ".join(task["arguments"]), job


def test_two_sources_for_one_model_are_an_import_error_of_the_dags_that_would_train_and_score(
    tmp_path: Path, project_root: Path
) -> None:
    facts = read_facts(tmp_path, project_root, TALLYSTICK_SOURCES=f"{SOURCE}=a;berka=b")
    assert sorted(facts["dags"]) == ["monthly_maintenance"]
    assert sorted(Path(path).stem for path in facts["errors"]) == ["daily_lending", "training"]
    for text in facts["errors"].values():
        assert "trains one model, but 2 sources are named: berka, simbank" in text


def test_what_a_recipe_would_miss_on_a_source_is_an_import_error(tmp_path: Path, project_root: Path) -> None:
    facts = read_facts(tmp_path, project_root, TALLYSTICK_SOURCES="copenhagen=a")
    assert sorted(facts["dags"]) == ["monthly_maintenance"]
    for text in facts["errors"].values():
        assert f"recipe {RECIPE} cannot run on copenhagen" in text
        assert f"tally source check copenhagen --recipe {RECIPE}" in text


@pytest.fixture(scope="module")
def all_facts(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Facts:
    """Those of a deployment that names all that a deployment may name."""
    named = {
        "TALLYSTICK_SEGMENTATION": "preferences",
        "TALLYSTICK_RETURNING": "returning",
        "TALLYSTICK_WATCH_LIST": "early_warning",
        "TALLYSTICK_RULES": "applications; transfers",
    }
    found = read_facts(tmp_path_factory.mktemp("all"), project_root, **named)
    assert found["errors"] == {}
    return found


def test_segments_are_assigned_each_month_where_a_segmentation_is_named(all_facts: Facts) -> None:
    jobs = submitted(all_facts, "monthly_segments")
    assert list(jobs) == ["compute_features", "fit_segments", "assign_segments"]
    assert jobs["assign_segments"]["upstream"] == [f"{SOURCE}.fit_segments"]
    month_end = "{{ business_date(dag_run)[:8] }}01"
    for job in ("compute_features", "assign_segments"):
        assert f"--from {month_end} --to {month_end}" in " ".join(jobs[job]["arguments"]), job
    fitting = " ".join(jobs["fit_segments"]["arguments"])
    assert f"--as-of {month_end} --first-only" in fitting
    assert {task["pool"] for task in jobs.values()} == {"tallystick_writers"}
    assert len(all_facts["dags"]["monthly_segments"]["doc"]) > 200


def test_one_segmentation_has_one_source(tmp_path: Path, project_root: Path) -> None:
    sources = f"{SOURCE}=a;berka=b"
    facts = read_facts(tmp_path, project_root, TALLYSTICK_SEGMENTATION="preferences", TALLYSTICK_SOURCES=sources)
    (told,) = [text for path, text in facts["errors"].items() if Path(path).stem == "monthly_segments"]
    assert "segmentation preferences has one model, but 2 sources are named" in told


def test_all_customers_are_scored_each_night_where_a_recipe_for_them_is_named(all_facts: Facts) -> None:
    night = submitted(all_facts, "daily_returning")
    assert list(night) == ["compute_features", "score_observations"]
    assert night["score_observations"]["upstream"] == [f"{SOURCE}_daily.compute_features"]
    for job, task in night.items():
        told = " ".join(task["arguments"])
        assert "--observations daily" in told, job
        assert "--from {{ business_date(dag_run) }} --to {{ business_date(dag_run) }}" in told, job
    assert all_facts["dags"]["daily_returning"]["triggers"] == [LABELS]
    training = submitted(all_facts, "monthly_returning")
    order = ["compute_features", "build_labels", "audit_leakage", "train_model", "score_observations", "write_report"]
    assert list(training) == order
    for task in training.values():
        assert "--recipe returning" in " ".join(task["arguments"])
    assert {task["pool"] for task in (*night.values(), *training.values())} == {"tallystick_writers"}


def test_running_loans_are_listed_each_night_where_a_watch_list_is_named(all_facts: Facts) -> None:
    night = submitted(all_facts, "daily_early_warning")
    assert list(night) == ["compute_features", "score_observations", "apply_rules", "update_watchlist"]
    assert night["update_watchlist"]["upstream"] == [f"{SOURCE}.apply_rules"]
    for job, task in night.items():
        told = " ".join(task["arguments"])
        assert ("--watch-list early_warning" if job == "update_watchlist" else "--observations running_nights") in told
        assert "--from {{ business_date(dag_run) }} --to {{ business_date(dag_run) }}" in told, job
    assert all_facts["dags"]["daily_early_warning"]["triggers"] == [LABELS]
    training = submitted(all_facts, "monthly_early_warning")
    assert "train_model" in training
    assert all("--recipe early_warning" in " ".join(task["arguments"]) for task in training.values())


def test_rules_are_answered_each_night_for_the_sets_that_are_named(all_facts: Facts, project_root: Path) -> None:
    dag = all_facts["dags"]["daily_rules"]
    for name in ("applications", "transfers"):
        features, rules = (dag["tasks"][f"{SOURCE}_{name}.{job}"] for job in ("compute_features", "apply_rules"))
        assert rules["upstream"] == [f"{SOURCE}_{name}.compute_features"]
        for task in (features, rules):
            told = " ".join(task["arguments"])
            assert f"--observations {name}" in told
            assert "--from {{ params.first or macros.ds_add(business_date(dag_run), -1) }}" in told
        groups = list_groups(load_project(project_root), name)
        assert all(f"--group {group}" in " ".join(features["arguments"]) for group in groups)
        assert groups
    assert dag["triggers"] == [LABELS]
