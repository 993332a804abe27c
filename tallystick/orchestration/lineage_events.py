"""What a task tells a lineage service in the form of OpenLineage: tables, their columns, and where those come from.

All of it is declared, so that an event holds names and addresses and never a value of a row. The listener of Airflow
sends events, and only where a deployment names where to. Imported when a task runs, not when DAGs are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow.providers.openlineage.extractors.base import OperatorLineage
from openlineage.client.event_v2 import Dataset
from openlineage.client.facet_v2 import column_lineage_dataset as facets
from openlineage.client.facet_v2 import schema_dataset

from tallystick.orchestration.deployment import Deployment, table_place
from tallystick.orchestration.step_tables import tables_of
from tallystick.project import Project, load_project
from tallystick.project.column_origins import (
    ColumnOrigin,
    TableOrigins,
    feature_origins,
    label_origins,
    mapping_origins,
)
from tallystick.runs import params as runs
from tallystick.runs.fields import Params


def describe_lineage(deployment: Deployment, params: Params, *, with_columns: bool) -> OperatorLineage:
    """The datasets that the run reads and writes; ``with_columns`` adds what each column written is made of.

    Columns are named of clean tables, features and those labels that declare them; a training set, scores and segments
    have what their model asks for, which its card says.
    """
    project = load_project(deployment.project)
    tables, places = tables_of(params, project), _Places(deployment, params, project)
    origins = _origins_of(params, project) if with_columns else {}
    return OperatorLineage(
        inputs=[places.dataset(name) for name in (*places.files, *tables.reads)],
        outputs=[
            Dataset(*places.of(name), facets=_facets(name, origins.get(name), places, project) if with_columns else {})
            for name in tables.writes
        ],
    )


class _Places:
    """Namespace and name of a table, or of the files of a delivery, as OpenLineage names what is on a file system."""

    def __init__(self, deployment: Deployment, params: Params, project: Project) -> None:
        self._deployment = deployment
        self._folder: Path | None = None
        self.files: Mapping[str, str] = {}
        if isinstance(params, runs.IngestSource):
            self._folder = deployment.sources[params.source]
            self.files = {view: one.file for view, one in project.sources[params.source].files.items()}

    def of(self, name: str) -> tuple[str, str]:
        """Of ``clean.loans``, or of the view of a file: all deliveries of a file are one dataset."""
        if self._folder is not None and name in self.files:
            return "file", f"{self._folder.absolute()}/{self.files[name]}"
        space, path = table_place(self._deployment, name)
        return space.replace("s3a://", "s3://", 1), path

    def dataset(self, name: str) -> Dataset:
        """The dataset without a word on its columns."""
        return Dataset(*self.of(name))


def _origins_of(params: Params, project: Project) -> Mapping[str, TableOrigins]:
    if isinstance(params, runs.IngestSource):
        return mapping_origins(project.sources[params.source], project.contracts)
    if isinstance(params, runs.ComputeFeatures):
        names = params.groups or project.recipes[params.recipe].groups
        return {f"feature.{name}": feature_origins(project.feature_groups[name]) for name in names}
    if isinstance(params, runs.BuildLabels):
        names = project.recipes[params.recipe].labels
        return {f"label.{name}": label_origins(project.labels[name]) for name in names}
    return {}


def _facets(name: str, origins: TableOrigins | None, places: _Places, project: Project) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if name in project.contracts:
        columns = project.contracts[name].columns
        fields = [schema_dataset.SchemaDatasetFacetFields(name=one.name, type=one.type) for one in columns]
        told["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    if origins is not None and origins.columns:
        told["columnLineage"] = facets.ColumnLineageDatasetFacet(
            fields={
                column: facets.Fields(inputFields=_inputs(made, places)) for column, made in origins.columns.items()
            },
            dataset=_inputs(origins.rows, places),
        )
    return told


def _inputs(origins: Iterable[ColumnOrigin], places: _Places) -> list[facets.InputField]:
    return [
        facets.InputField(*places.of(one.table), field=one.column, transformations=[_transformation(one)])
        for one in origins
    ]


def _transformation(origin: ColumnOrigin) -> facets.Transformation:
    if origin.is_value:
        return facets.Transformation(type="DIRECT", subtype="TRANSFORMATION", masking=origin.is_hashed)
    return facets.Transformation(type="INDIRECT", subtype="CONDITIONAL", masking=origin.is_hashed)
