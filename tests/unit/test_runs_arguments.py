"""A run's parameters become a command line and come back as they were, also through a scheduler's templates."""

from __future__ import annotations

from dataclasses import MISSING
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Template as Jinja

from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError
from tallystick.runs.arguments import parse, render
from tallystick.runs.fields import Parameter, Params, Template, list_parameters, template
from tallystick.runs.params import RUNS, BackfillFeatures, ComputeFeatures, IngestSource, TrainModel

# As people write names and paths, and as they had better not: a dash, a space, a flag, an equals sign.
TEXTS = st.sampled_from(["a", "some-name", "-5", "--from", "two words", "x=1", "layer.table", "b/c"])
DATES = st.dates()


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values of a field, its default among them."""
    kinds: dict[type, st.SearchStrategy[Any]] = {
        str: TEXTS,
        Path: TEXTS.map(lambda text: Path("/tmp", text)),
        int: st.integers(-10, 10**12),
        bool: st.booleans(),
        date: DATES,
        tuple: st.lists(TEXTS, min_size=int(parameter.default is MISSING), max_size=3).map(tuple),
    }
    found = kinds[parameter.kind]
    return found if parameter.default is MISSING else st.just(parameter.default) | found


def build(params: type[Params], found: dict[str, Any]) -> Params:
    """The parameters; of an ingest either the directory or the date of a replay is dropped."""
    if params is IngestSource and (found["directory"] is None) == (found["replay_from"] is None):
        found = {**found, "directory": Path("/tmp"), "replay_from": None}
    return params(**found)


@pytest.mark.parametrize("params", RUNS, ids=lambda params: params.job)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_parameters_come_back_from_their_command_line(params: type[Params], data: st.DataObject) -> None:
    drawn = data.draw(st.fixed_dictionaries({one.name: values(one) for one in list_parameters(params)}))
    told = build(params, {**drawn, "run_id": drawn["run_id"] or "run"})
    assert parse(params, render(told)) == told


@pytest.mark.parametrize("params", RUNS, ids=lambda params: params.job)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_scheduler_fills_in_dates_numbers_and_texts(params: type[Params], data: st.DataObject) -> None:
    """Every field that may be a template is one; what the job then reads is what the scheduler's values say."""
    fields = [one for one in list_parameters(params) if one.kind is not bool]
    drawn = data.draw(st.fixed_dictionaries({one.name: values(one) for one in fields}))
    meant = build(params, {**drawn, "run_id": "run"})
    later = {one.name: getattr(meant, one.name) for one in fields if one.kind in (date, int)}
    later = {name: value for name, value in later.items() if value is not None}
    templates = {name: template(f"{{{{ {name} }}}}") for name in later}
    with_templates = build(params, {**drawn, **templates, "run_id": "{{ run_id }}", **_one_way_in(meant)})
    filled = [Jinja(text).render(run_id="run", **later) for text in render(with_templates)]
    # An unfilled number that begins with a dash is one word with its flag; a scheduler's numbers count days.
    if all(not isinstance(value, int) or value >= 0 for value in later.values()):
        assert parse(params, filled) == meant


def _one_way_in(meant: Params) -> dict[str, Any]:
    """Of an ingest: the way in that was chosen, since a template in the other place would be a second one."""
    if isinstance(meant, IngestSource):
        return {"directory": meant.directory, "replay_from": meant.replay_from}
    return {}


def test_a_run_refuses_a_template() -> None:
    told = ComputeFeatures(project=Path(), warehouse=Path(), source="a", first=template("{{ day }}"))
    with pytest.raises(DeclarationError, match="first hold templates"):
        perform(told)


def test_a_template_stands_for_a_date_or_a_number_only() -> None:
    with pytest.raises(DeclarationError, match="parameter recipe is a Template"):
        TrainModel(project=Path(), warehouse=Path(), source="a", recipe=template("{{ name }}"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": datetime(2024, 1, 1, tzinfo=UTC)},
        {"first": "2024-01-01"},
        {"look_back": True},
        {"groups": "spend"},
        {"source": None},
        {"warehouse": "w"},
    ],
)
def test_a_value_of_another_type_is_refused(wrong: dict[str, Any]) -> None:
    told: dict[str, Any] = {"project": Path(), "warehouse": Path(), "source": "a", **wrong}
    with pytest.raises(DeclarationError, match=f"parameter {next(iter(wrong))} is a"):
        ComputeFeatures(**told)


def test_loads_come_from_a_directory_or_are_mapped_again() -> None:
    common: dict[str, Any] = {"project": Path(), "warehouse": Path(), "source": "a"}
    for both in ({}, {"directory": Path(), "replay_from": date(2024, 1, 1)}):
        with pytest.raises(DeclarationError, match="one of the two"):
            IngestSource(**common, **both)


def test_a_run_without_an_id_gets_a_new_one_and_a_project_is_found(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project_root / "docs")
    argv = ["--warehouse", "w", "--group", "g", "--source", "s", "--from", "2024-01-01", "--to", "2024-01-02"]
    first, second = parse(BackfillFeatures, argv), parse(BackfillFeatures, argv)
    assert first.run_id != second.run_id
    assert (first.project, first.warehouse) == (project_root, project_root / "docs" / "w")


def test_a_template_is_written_as_it_is() -> None:
    assert template("{{ x }}") == Template("{{ x }}")


@pytest.mark.parametrize("params", RUNS, ids=lambda params: params.job)
def test_a_mistyped_option_of_a_job_is_a_declaration_in_one_sentence(params: type[Params]) -> None:
    """Exit code 2 says that the machine lacks something, and Airflow tries such a task again."""
    for parameter in list_parameters(params):
        for wrong in {int: ["many", "1.5"], date: ["2026-04-31", "tomorrow", ""]}.get(parameter.kind, []):
            with pytest.raises(DeclarationError, match=f"^{parameter.flag}: '{wrong}' cannot be read \\(give a"):
                parse(params, [parameter.flag, wrong])
    for argv in (["--no-such-option", "x"], ["--warehouse"], []):
        with pytest.raises(DeclarationError, match="^the command line: "):
            parse(params, argv)
