"""What the main job leaves behind on the Czech bank: a score for every application, a model anyone can load."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from tallystick.tables import Warehouse, query

COLUMNS = {
    "observation_id", "customer_id", "as_of", "pd", "score", "limit_minor", "decision",
    "reason_1", "reason_2", "reason_3", "is_in_training", "model_version",
}  # fmt: skip


def test_every_application_has_one_score_and_unlabelled_ones_were_not_trained_on(
    berka: Warehouse, data_dir: Path
) -> None:
    rows = query(berka, "SELECT * FROM score.applications").to_pylist()
    assert set(rows[0]) >= COLUMNS
    status = dict(
        duckdb.sql(f"SELECT loan_id::VARCHAR, status FROM read_csv('{data_dir}/berka/loan.csv.gz')").fetchall()
    )
    assert {row["observation_id"] for row in rows} == set(status)
    assert len(rows) == len(status) == 682
    for row in rows:
        assert row["is_in_training"] == (status[row["observation_id"]] is not None)
        assert 0 < row["pd"] < 1
        assert 0 <= row["score"] <= 100
        reasons = [row["reason_1"], row["reason_2"], row["reason_3"]]
        assert all(reasons)
        assert len(set(reasons)) == 3
        assert row["decision"] in ("approve", "refer", "decline")
        assert (row["limit_minor"] == 0) == (row["decision"] == "decline")


def test_a_higher_pd_never_has_a_higher_score_or_limit(berka: Warehouse) -> None:
    rows = query(berka, "SELECT score, limit_minor FROM score.applications ORDER BY pd, score DESC").to_pylist()
    for before, after in itertools.pairwise(rows):
        assert after["score"] <= before["score"]
        assert after["limit_minor"] <= before["limit_minor"]


def test_tables_are_read_by_deltalake_and_duckdb_alone(berka: Warehouse) -> None:
    for name in ("clean.transactions", "feature.transactions", "score.applications"):
        table = DeltaTable(str(berka.table_path(name)))
        files = table.file_uris()
        counted = duckdb.sql(f"SELECT count(*) FROM read_parquet({files}, hive_partitioning=false)").fetchall()
        assert counted == [(table.to_pyarrow_dataset().count_rows(),)]


def test_the_champion_gives_the_stored_pd_in_a_fresh_process_outside_the_checkout(
    berka: Warehouse, tmp_path: Path
) -> None:
    stored = query(berka, "SELECT observation_id, pd FROM score.applications").to_pylist()
    vectors = query(berka, "SELECT * EXCLUDE (label) FROM training.consumer_loan LIMIT 5").to_pylist()
    (tmp_path / "rows.json").write_text(json.dumps(vectors, default=str))
    (tmp_path / "pull.py").write_text(
        "import json, sys, mlflow, pandas as pd\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('tallystick', 'pyspark', 'delta', 'optbinning'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "model = mlflow.pyfunc.load_model('models:/consumer_loan@champion')\n"
        "rows = pd.DataFrame(json.load(open('rows.json')))\n"
        "names = model.metadata.get_input_schema().input_names()\n"
        "print(json.dumps(list(model.predict(rows[names].astype('float64'))['pd'])))\n"
    )
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "MLFLOW_TRACKING_URI": f"sqlite:///{berka.root}/mlflow/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [sys.executable, "pull.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    by_application = {row["observation_id"]: row["pd"] for row in stored}
    predicted = json.loads(done.stdout.splitlines()[-1])
    assert predicted == pytest.approx([by_application[row["observation_id"]] for row in vectors], abs=1e-12)


def test_the_report_and_the_pages_of_the_gate_are_there(berka: Warehouse) -> None:
    reports = list((berka.root / "report").rglob("*.html"))
    assert reports
    text = reports[0].read_text()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert (berka.root / "docs" / "validations" / "index.html").is_file()
