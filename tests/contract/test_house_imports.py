"""Imports: each folder may use the libraries of its craft and no others."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.lib import house

DATA = {"numpy", "pyarrow"}
SPARK = DATA | {"pyspark"}
MODELS = DATA | {"pandas", "sklearn", "scipy"}

# Longest matching prefix wins. What is missing here may import the standard library and tallystick, nothing else.
ALLOWED: dict[str, set[str]] = {
    "tallystick/spec": {"sqlglot"},
    "tallystick/project": {"yaml", "open_data_contract_standard", "pydantic", "sqlglot"},
    "tallystick/kernel": DATA | {"numba", "xxhash"},
    "tallystick/graph": {"numpy", "numba"},
    "tallystick/dialect": DATA | {"duckdb", "h3", "sqlglot"},
    "tallystick/hashes.py": DATA | {"xxhash"},
    "tallystick/visibility": DATA,
    "tallystick/places": {"boto3", "botocore", "fsspec", "hdfs_native", "pyarrow"},
    "tallystick/tables": SPARK | {"delta", "deltalake", "duckdb", "fsspec", "py4j"},
    "tallystick/ingest": SPARK | {"sqlglot", "yaml", "py4j"},
    "tallystick/quality": SPARK | {"great_expectations"},
    "tallystick/buckets": SPARK,
    "tallystick/observations": SPARK,
    "tallystick/features": SPARK | {"xxhash"},
    "tallystick/labels": SPARK,
    "tallystick/ties": DATA,
    "tallystick/model": MODELS | {"optbinning", "lightgbm", "matplotlib"},
    "tallystick/training": MODELS | {"threadpoolctl"},
    "tallystick/segments": MODELS | {"matplotlib", "threadpoolctl"},
    "tallystick/rules": MODELS | {"pyspark"},
    "tallystick/scoring": MODELS | {"pyspark"},
    "tallystick/warning": DATA | {"pandas"},
    "tallystick/answers": {"pyarrow"},
    # The files that travel inside registered models: the only places outside the registry that may name mlflow.
    "tallystick/model/scorer.py": MODELS | {"lightgbm", "mlflow"},
    "tallystick/segments/assigner.py": MODELS | {"mlflow"},
    "tallystick/model/registry.py": {"mlflow"},
    "tallystick/model/mlflow_client.py": {"mlflow"},
    "tallystick/model/logged_models.py": {"mlflow", "pandas"},
    "tallystick/model/studies.py": {"mlflow"},
    "tallystick/report": MODELS | {"jinja2", "matplotlib", "rich"},
    "tallystick/simulation": {"numpy", "pandas", "pyarrow"},
    "tallystick/orchestration": {"airflow"},
    "tallystick/orchestration/deployment.py": set(),
    "tallystick/orchestration/named_declarations.py": set(),
    "tallystick/orchestration/step_tables.py": set(),
    "tallystick/orchestration/lineage_events.py": {"airflow", "openlineage"},
    "tallystick/submitting.py": {"airflow"},
    "tallystick/alarms.py": {"airflow"},
    "tallystick/entrypoint.py": {"pyspark"},
    "tallystick/runs": SPARK,
    "tallystick/pipeline.py": {"pyspark"},
    "tallystick/cli.py": {"typer", "rich", "pyarrow", "click", "pyspark"},
    "tallystick/cli": {"typer", "rich", "pyarrow", "click", "pyspark"},
    "dags": {"airflow"},
    "benchmarks": SPARK | {"benchmarks", "deltalake", "duckdb", "rich", "xxhash"},
    # What features are worth is judged as models are.
    "benchmarks/job_loss.py": {"benchmarks", "numpy", "pandas", "pyarrow"},
    "benchmarks/fraud.py": {"benchmarks", "pandas"},
    "benchmarks/job_loss_cases.py": {"benchmarks", "numpy", "pandas", "pyarrow"},
    "benchmarks/early_warning.py": {"benchmarks", "numpy", "pandas", "pyarrow", "sklearn"},
    "benchmarks/early_warning_pictures.py": {"benchmarks", "matplotlib"},
    "benchmarks/early_warning_cases.py": {"benchmarks", "numpy", "pandas", "pyarrow"},
    "benchmarks/early_warning_causes.py": {"benchmarks", "numpy", "pandas"},
    "benchmarks/targets.py": {"benchmarks", "numpy", "pandas", "pyarrow", "sklearn"},
}  # fmt: skip

PURE = (
    "tallystick/spec", "tallystick/project", "tallystick/kernel", "tallystick/visibility", "tallystick/simulation",
    "tallystick/graph", "tallystick/errors.py",
)  # fmt: skip


def allowed_for(path: str) -> set[str]:
    """The libraries that a file may import."""
    fitting = [prefix for prefix in ALLOWED if path == prefix or path.startswith(f"{prefix}/")]
    return ALLOWED[max(fitting, key=len)] if fitting else set()


def foreign_imports(source: house.Source) -> list[tuple[str, str]]:
    """Library and place of every import of something that is neither standard nor ours."""
    ours = sys.stdlib_module_names | {"tallystick"}
    if source.path.startswith("scripts/"):
        ours |= {path.stem for path in (house.ROOT / "scripts").glob("*.py")}
    found = [(name.split(".")[0], source.at(node)) for name, node in house.imports(source.tree)]
    return [(library, place) for library, place in found if library not in ours]


def test_each_folder_imports_only_the_libraries_of_its_craft() -> None:
    found = [
        f"{place} imports {library}"
        for source in house.sources("tallystick", "jobs", "dags", "scripts", "benchmarks")
        for library, place in foreign_imports(source)
        if library not in allowed_for(source.path)
    ]
    assert not found, house.listed(found)


@pytest.mark.parametrize("library", ["pyspark", "airflow", "mlflow", "great_expectations", "delta", "deltalake"])
def test_the_pure_core_imports_no_engine(library: str) -> None:
    assert not [path for path in PURE if library in allowed_for(path)]


def test_declarations_import_the_door_of_tallystick_and_nothing_else() -> None:
    found = [
        f"{source.at(node)} imports {name}"
        for source in house.sources("features", "observations", "recipes")
        for name, node in house.imports(source.tree)
        if name.split(".")[0] not in {"tallystick", "__future__", "datetime", "features", "recipes"}
    ]
    assert not found, house.listed(found)


def test_spark_functions_go_by_the_name_f() -> None:
    found = []
    for source in house.sources(*house.CODE, "tests"):
        for node in house.nodes(source.tree):
            if isinstance(node, ast.ImportFrom) and node.module == "pyspark.sql":
                found += [source.at(node) for alias in node.names if alias.name == "functions" and alias.asname != "F"]
            elif isinstance(node, ast.ImportFrom) and node.module == "pyspark.sql.functions":
                found.append(source.at(node))
            elif isinstance(node, ast.Import):
                found += [source.at(node) for alias in node.names if alias.name == "pyspark.sql.functions"]
    assert not found, house.listed(found)


def test_runs_do_not_compute_with_spark_expressions() -> None:
    found = [
        source.at(node)
        for source in house.sources("tallystick/runs")
        for node in house.nodes(source.tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "functions" for alias in node.names)
    ]
    assert not found, house.listed(found)


def test_dags_import_no_other_dag_and_no_stage() -> None:
    found = [
        f"{source.at(node)} imports {name}"
        for source in house.sources("dags")
        for name, node in house.imports(source.tree)
        if name.split(".")[0] == "dags" or (name.startswith("tallystick") and name != "tallystick.orchestration")
    ]
    assert not found, house.listed(found)


def registers_arrow_function(node: ast.AST) -> bool:
    """Whether a node is ``session.udf.register(name, F.arrow_udf(...))``: SQL's name for one of whole columns."""
    if not isinstance(node, ast.Call) or len(node.args) != 2 or not isinstance(node.args[1], ast.Call):
        return False
    made = node.args[1].func
    is_register = isinstance(node.func, ast.Attribute) and node.func.attr == "register"
    return is_register and isinstance(made, ast.Attribute) and made.attr == "arrow_udf"


def test_no_row_at_a_time_function_runs_in_spark() -> None:
    found = []
    for source in house.sources(*house.MACHINERY):
        calls = filter(registers_arrow_function, house.nodes(source.tree))
        whole = {
            id(node.value) for call in calls for node in ast.iter_child_nodes(call) if isinstance(node, ast.Attribute)
        }
        for node in house.nodes(source.tree):
            if id(node) in whole:
                continue
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            # Arrow and pandas functions see whole batches; udf, foreach and the RDD's map see one row at a time.
            if name in {"udf", "foreach", "flatMap", "mapPartitions"}:
                found.append(f"{source.at(node)} {name}")
    assert not found, house.listed(found)


def test_every_package_that_is_imported_is_declared_and_explained() -> None:
    project = tomllib.loads(Path(house.ROOT, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[\[<>=]", line)[0].replace("_", "-") for line in project["dependencies"]}
    explained = Path(house.ROOT, "docs", "dependencies.md").read_text(encoding="utf-8")
    own = {"tallystick", "jobs", *(path.stem for path in Path(house.ROOT, "scripts").glob("*.py"))}
    spelled = {
        "yaml": "pyyaml",
        "sklearn": "scikit-learn",
        "delta": "delta-spark",
        "airflow": "apache-airflow",
        "py4j": "pyspark",
        "botocore": "boto3",
        "openlineage": "openlineage-python",
    }
    imported = {
        name.partition(".")[0]
        for folder in ("tallystick", "jobs", "dags")
        for source in house.sources(folder)
        for node in house.nodes(source.tree)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [])
        + ([node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else [])
    }
    outside = imported - own - set(sys.stdlib_module_names)
    packages = {spelled.get(name, name.replace("_", "-")) for name in outside}
    assert packages <= declared, f"only there by chance: {sorted(packages - declared)}"
    assert not {name for name in packages if f"| {name}" not in explained and f", {name}" not in explained}
