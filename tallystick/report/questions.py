"""What a report asks the tables: SQL by name, for whoever may read them.

Kept apart from the sections because a run asks them, with ``tables.query``: this package reads no table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tallystick.spec.recipes import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One SELECT and the tables it reads; it is left out when one of them does not exist."""

    tables: Sequence[str]
    sql: str


def list_questions(recipe: Recipe, *, source: str) -> Mapping[str, Question]:
    """The questions of a recipe's report on one source.

    Names of sources and recipes are lower-case words by their grammar, so they need no quoting.
    """
    asked = {
        "loads": Question(
            tables=["monitor.loads"],
            sql=f"""
                SELECT table_name, sum(rows_read)::BIGINT AS read, sum(rows_accepted)::BIGINT AS accepted,
                    sum(rows_rejected)::BIGINT AS rejected, sum(rows_duplicate)::BIGINT AS duplicate,
                    sum(rows_excluded)::BIGINT AS excluded, max(loaded_on) AS last_load,
                    coalesce(sum(rows_entered), 0)::BIGINT AS entered
                FROM monitor.loads WHERE source = '{source}' GROUP BY table_name ORDER BY table_name""",
        ),
        "checks": Question(
            tables=["monitor.validations"],
            sql=f"""
                SELECT table_name, count(*)::BIGINT AS expectations,
                    count(*) FILTER (NOT is_success AND severity = 'critical')::BIGINT AS critical,
                    count(*) FILTER (NOT is_success AND severity <> 'critical')::BIGINT AS warnings
                FROM monitor.validations WHERE source = '{source}' AND validated_on =
                    (SELECT max(validated_on) FROM monitor.validations WHERE source = '{source}')
                GROUP BY table_name ORDER BY table_name""",
        ),
        "failed_checks": Question(
            tables=["monitor.validations"],
            sql=f"""
                SELECT table_name, expectation, column_name, severity, rows_unexpected, reason
                FROM monitor.validations WHERE source = '{source}' AND NOT is_success AND validated_on =
                    (SELECT max(validated_on) FROM monitor.validations WHERE source = '{source}')
                ORDER BY severity, table_name, expectation_number""",
        ),
        **{
            f"observations {group}": Question(
                tables=[f"feature.{group}"],
                sql=f"""SELECT count(*)::BIGINT AS rows, count(DISTINCT customer_id)::BIGINT AS customers,
                    min(as_of) AS first, max(as_of) AS last FROM feature.{group}
                    WHERE source = '{source}' AND observations = '{recipe.observations}'""",
            )
            for group in recipe.groups
        },
    }
    if recipe.label is not None:
        asked |= _label_questions(recipe, source)
    return asked


def _label_questions(recipe: Recipe, source: str) -> dict[str, Question]:
    label, scores = f"label.{recipe.label}", recipe.score_table
    ours = f"source = '{source}' AND recipe = '{recipe.name}'"
    return {
        "cohorts": Question(
            tables=[label],
            sql=f"""
                SELECT year(as_of)::INTEGER AS cohort, count(*) FILTER (label = 0)::BIGINT AS good,
                    count(*) FILTER (label = 1)::BIGINT AS bad,
                    count(*) FILTER (status = 'immature')::BIGINT AS immature,
                    count(*) FILTER (status = 'indeterminate')::BIGINT AS indeterminate,
                    count(*) FILTER (status IN ('unobserved', 'not_granted'))::BIGINT AS without_outcome,
                    count(*) FILTER (status IN ('excluded', 'already_bad'))::BIGINT AS excluded
                FROM {label} WHERE source = '{source}' AND observations = '{recipe.observations}'
                GROUP BY 1 ORDER BY 1""",
        ),
        "audit": Question(
            tables=["monitor.leakage"],
            sql=f"""
                SELECT check_name, feature, value, threshold, is_passed, detail
                FROM monitor.leakage WHERE source = '{source}' AND recipe = '{recipe.name}'
                    AND check_name <> 'audited_rows'
                ORDER BY is_passed, check_name, value DESC, feature""",
        ),
        "decisions": Question(
            tables=[scores],
            sql=f"""
                SELECT decision, count(*)::BIGINT AS observations, avg(pd) AS mean_pd, avg(score) AS mean_score,
                    sum(limit_minor)::BIGINT AS limits, any_value(currency) AS currency
                FROM {scores} WHERE {ours} GROUP BY decision ORDER BY mean_pd""",
        ),
        "scores": Question(
            tables=[scores],
            sql=f"""
                SELECT least(floor(score / 10), 9)::INTEGER AS band, count(*)::BIGINT AS observations,
                    count(*) FILTER (is_in_training)::BIGINT AS in_training
                FROM {scores} WHERE {ours} GROUP BY 1 ORDER BY 1""",
        ),
        "reasons": Question(
            tables=[scores],
            sql=f"""
                SELECT reason_1 AS reason, count(*)::BIGINT AS observations FROM {scores}
                WHERE {ours} AND coalesce(decision, '') <> 'approve' AND reason_1 IS NOT NULL
                GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10""",
        ),
    }
