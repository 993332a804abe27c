"""Whatever is wrong with a declaration, an argument or the files of a warehouse, it ends as one sentence of ours.

Random damage with a fixed seed: another run of the suite tries the same.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.ending import INTERRUPTED, describe
from tallystick.errors import DeclarationError, InputError, SetupError, TallystickError
from tallystick.model.registry import Registry
from tallystick.project.contracts import load_contract, load_contracts, read_contract
from tallystick.project.files import read_yaml
from tallystick.project.sources import check_source
from tallystick.spec.expressions import parse_expression
from tallystick.spec.mappings import parse_mapping
from tallystick.tables import Warehouse, read_arrow
from tallystick.tables import query as run_query
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, TRANSACTIONS_SQL, write_source

ODD = (
    *(
        "",
        "[",
        "{",
        "}",
        ":",
        "- ",
        "~",
        "?",
        "|",
        "|>",
        ">",
        "&a *a",
        "!!python/object:x",
        "2024-13-45",
        "\t",
        "\0",
        "'",
    ),
    *('"', "(", ")" * 3, "(" * 3000, "9" * 400, "1e999", ".nan", "[[[]]]", "? [a, b] : c", "CASE", "SELECT", "::", "$"),
    *("`", "\u202e", "/*", "--", "OVER (", "INTERVAL 1 DAY", "x -> x", "EXTRACT(", "CAST(", "a.b.c.d", "=", "%", "@"),
)


def damaged(text: str, chance: random.Random) -> str:
    """The text with one to three places cut out, doubled or written over."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 1, 5, 40)))
        text = text[:start] + chance.choice((*ODD, text[start:end] * 2)) + text[end:]
    return text


def test_a_damaged_declaration_is_told_in_sentences(tmp_path: Path) -> None:
    chance = random.Random(5)
    contracts = load_contracts(CHECKOUT)
    for number in range(120):
        files = {"source.yaml": SOURCE_YAML, "transactions.sql": TRANSACTIONS_SQL}
        name = chance.choice(sorted(files))
        files[name] = damaged(files[name], chance)
        root = write_source(tmp_path / str(number), files=files)
        with suppress(TallystickError):
            check_source(root, "village", contracts=contracts)


def test_a_damaged_contract_is_told_in_sentences(tmp_path: Path) -> None:
    chance = random.Random(9)
    text = (CHECKOUT / "schemas" / "clean" / "accounts.yaml").read_text(encoding="utf-8")
    path = tmp_path / "accounts.yaml"
    for _ in range(80):
        path.write_text(damaged(text, chance), encoding="utf-8")
        with suppress(TallystickError):
            read_contract(path, name="clean.accounts")


@pytest.mark.parametrize("key", ["id", "name"])
def test_a_contract_of_another_name_than_its_file_is_refused(tmp_path: Path, key: str) -> None:
    text = (CHECKOUT / "schemas" / "clean" / "accounts.yaml").read_text(encoding="utf-8")
    path = tmp_path / "accounts.yaml"
    path.write_text(text.replace(f"\n{key}: clean.accounts", f"\n{key}: clean.cards"), encoding="utf-8")
    with pytest.raises(DeclarationError, match=f"the contract's {key} is clean.cards"):
        load_contract(path, name="clean.accounts")


def test_a_warehouse_without_rights_is_told_with_its_place(tmp_path: Path) -> None:
    # As somebody else: the tests may run as root, whom no rights stop.
    code = (
        "import os, sys\n"
        "from datetime import date\n"
        "from pathlib import Path\n"
        "from tallystick.ending import one_sentence\n"
        "from tallystick.project.contracts import load_contract, load_contracts, read_contract\n"
        "from tallystick.tables import Warehouse, landing\n"
        "from tallystick.tables.store.warehouse import ensure_table\n"
        "root, contracts = Path(sys.argv[1]), load_contracts(Path(sys.argv[2]))\n"
        "root.chmod(0o555)\n"
        "if os.getuid() == 0:\n"
        "    os.setuid(65534)\n"
        "with one_sentence():\n"
        "    if sys.argv[3] == 'table':\n"
        "        ensure_table(Warehouse(root), contracts['clean.accounts'])\n"
        "    landing.alone(Warehouse(root), 'village').__enter__()\n"
    )
    for number, step in enumerate(("table", "landing")):
        with TemporaryDirectory() as root:
            Path(root).chmod(0o755)
            command = [sys.executable, "-c", code, root, str(CHECKOUT), step]
            ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert ended.returncode == 2, (number, ended.stderr)
            assert "Permission denied" in ended.stderr
            assert len(ended.stderr.strip().splitlines()) == 1


def test_damaged_sql_is_told_in_sentences() -> None:
    chance = random.Random(6)
    for _ in range(300):
        parse_mapping("transactions", damaged(TRANSACTIONS_SQL, chance), "transactions.sql")
        with suppress(TallystickError):
            parse_expression(damaged("a > 1 AND (b = 'x' OR ABS(a) < 2)", chance), {"a": "int64", "b": "string"})


@pytest.mark.parametrize("sql", ["FROM rows |> SELECT id", f"SELECT {'(' * 3000}1{')' * 3000} AS a FROM rows"])
def test_syntax_that_the_parser_only_half_knows_is_a_problem(sql: str) -> None:
    mapping, problems = parse_mapping("things", sql, "x.sql")
    assert problems
    assert mapping is None or "|>" in sql


def test_yaml_that_python_cannot_hold_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "source.yaml"
    for text in ("? [a, b]\n: c\n", "a: 2024-13-45\n", "a: " + "[" * 3000, "a: \0", "\ufeff[", "a: !!x y"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DeclarationError, match=r"source\.yaml"):
            read_yaml(path)


def stored(root: Path) -> Warehouse:
    for number in range(3):
        rows = pa.table({"a": [number], "source": ["x"]})
        write_deltalake(str(root / "clean" / "things"), rows, mode="append")
    return Warehouse(root)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("content", [b"", b"{", b"[1]\n", b"\xff\0"])
def test_a_damaged_entry_of_a_log_is_told_with_its_table_and_file(tmp_path: Path, number: int, content: bytes) -> None:
    warehouse = stored(tmp_path)
    entry = tmp_path / "clean" / "things" / "_delta_log" / f"{number:020}.json"
    entry.write_bytes(content)
    for read in (lambda: read_arrow(warehouse, "clean.things"), lambda: run_query(warehouse, "FROM clean.things")):
        with pytest.raises(SetupError, match="the log of clean.things is damaged") as caught:
            read()
        assert str(caught.value).startswith(str(entry))


def test_a_damaged_parquet_file_is_told_with_its_table_and_file(tmp_path: Path) -> None:
    for number, cut in enumerate((0, 3, 60, -9)):
        warehouse = stored(tmp_path / str(number))
        file = next(warehouse.root.glob("clean/things/*.parquet"))
        file.write_bytes(file.read_bytes()[:cut])
        for read in (lambda w=warehouse: read_arrow(w, "clean.things"),
                     lambda w=warehouse: run_query(w, "SELECT * FROM clean.things")):  # fmt: skip
            with pytest.raises(SetupError, match="a file of clean.things is damaged") as caught:
                read()
            assert file.name in str(caught.value)


def test_a_warehouse_with_any_file_damaged_is_told_in_sentences(tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(40):
        warehouse = stored(tmp_path / str(number))
        file = chance.choice(sorted(path for path in warehouse.root.rglob("*") if path.is_file()))
        content = file.read_bytes()
        at = chance.randrange(len(content))
        file.write_bytes(chance.choice((content[:at], b"", content[:at] + b"\xff" * 9 + content[at + 9 :])))
        for read in (lambda w=warehouse: read_arrow(w, "clean.things").num_rows, lambda w=warehouse: w.tables()):
            with suppress(TallystickError):
                read()


@pytest.mark.parametrize("cut", [0, 50, 5000, -4096])
def test_a_damaged_registry_is_told_with_its_file(tmp_path: Path, cut: int) -> None:
    database = tmp_path / "mlflow" / "mlflow.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE experiments (name TEXT)")
        connection.executemany("INSERT INTO experiments VALUES (?)", [("x" * 900,)] * 40)
        connection.commit()
    database.write_bytes(database.read_bytes()[:cut] if cut else b"no database at all")
    with pytest.raises(SetupError, match="the model registry's database is damaged") as caught:
        Registry(tmp_path).models()
    assert str(caught.value).startswith(str(database))


ARGUMENTS = (
    *(
        "",
        "x",
        "..",
        "/",
        "/proc/1/mem",
        "/dev/null",
        "\0",
        "a=b",
        "=",
        "village=",
        "2024-13-01",
        "9999-12-31",
        "-1",
        "0",
    ),
    *("0001-01-01", "9" * 20, "nan", "clean.things", "*", "SELECT", "é\u202e", "--", "x" * 5000),
)
COMMANDS = (
    *(["tables"], ["sql"], ["check"], ["source", "check"], ["features", "list"], ["features", "show"], ["report"]),
    *(["rejected", "list"], ["table", "new"], ["features", "plan"], ["models"], ["maintain"], ["features", "explain"]),
)
OPTIONS = ("--warehouse", "--project", "--source", "--from", "--to", "--json", "--load-date")


def test_odd_arguments_end_in_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(8)
    monkeypatch.chdir(tmp_path)
    for _ in range(150):
        given = [*chance.choice(COMMANDS)]
        for _ in range(chance.randint(0, 3)):
            given += [chance.choice(OPTIONS)] if chance.random() < 0.5 else []
            given.append(chance.choice(ARGUMENTS))
        error = CliRunner().invoke(app, given).exception
        assert error is None or isinstance(error, (SystemExit, TallystickError, OSError)), (given, error)


def test_every_error_has_a_sentence_and_an_exit_code_and_tells_no_value() -> None:
    assert describe(InputError("broken", where="a.csv", fix="deliver it again")) == (
        "a.csv: broken (deliver it again)",
        4,
    )
    assert describe(KeyboardInterrupt())[1] == INTERRUPTED
    # DuckDB's own way to say it.
    assert describe(RuntimeError("Query interrupted")) == describe(KeyboardInterrupt())
    told, code = describe(PermissionError(13, "Permission denied", "/warehouse/x"))
    assert (told.startswith("/warehouse/x: Permission denied"), code) == (True, 2)
    told, code = describe(ValueError("secret 4711"))
    assert "4711" not in told
    assert (told.startswith("ValueError in "), code) == (True, 1)


def test_ctrl_c_is_one_sentence_while_the_commands_are_imported() -> None:
    code = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from tallystick.cli import main\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stderr.strip()) == (INTERRUPTED, f"error: {describe(KeyboardInterrupt())[0]}")


def test_ctrl_c_is_one_sentence_whatever_runs_below(tmp_path: Path) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "from tallystick.ending import end_at_interrupt, one_sentence\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "end_at_interrupt(lambda: [child])\n"
        "with one_sentence():\n"
        "    print(child.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == INTERRUPTED
    assert ended.stderr.strip() == "error: interrupted; what was committed stays, run it again for the rest"
    state = Path(f"/proc/{ended.stdout.strip()}/stat")
    until = time.monotonic() + 20
    while state.exists() and state.read_text().split()[2] != "Z" and time.monotonic() < until:
        time.sleep(0.05)  # the system takes a moment to end what was killed
    assert not state.exists() or state.read_text().split()[2] == "Z"
