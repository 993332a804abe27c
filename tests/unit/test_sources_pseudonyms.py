"""Hashing after its definition, the key that it needs, and what a declaration of identifiers is refused for."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import SetupError
from tallystick.ingest.delivered_files import inspect_file, read_batches
from tallystick.ingest.pseudonyms import PseudonymKey, Pseudonyms, hide
from tallystick.project.contracts import load_contract
from tallystick.project.sources import check_source, load_source
from tallystick.runs.pseudonym_key import read_key
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.sources import SourceFile
from tallystick.spec.tables import TableContract
from tests.lib.deliveries import ACCOUNTS_SQL, CHECKOUT, SOURCE_YAML, TRANSACTIONS_SQL, write_source
from tests.lib.pseudonyms import KEY, OTHER_KEY, YAML, pseudonym

HASHED = Pseudonyms(source="village", key=PseudonymKey(bytes.fromhex(KEY)), keep_first=(("phone", 2),))
VARIABLE = "TALLYSTICK_PSEUDONYM_KEY"


@cache
def contracts() -> dict[str, TableContract]:
    """The contracts that the village bank fills."""
    names = ("customers", "accounts", "transactions")
    return {
        f"clean.{name}": load_contract(CHECKOUT / "schemas" / "clean" / f"{name}.yaml", name=f"clean.{name}")
        for name in names
    }


def test_a_pseudonym_is_what_its_definition_says() -> None:
    values = pa.array(["A", "B", None, "A", "", "Ж", " A"])
    told = [None if text is None else pseudonym(text, "human") for text in values.to_pylist()]
    told[4] = ""
    assert HASHED.column(values, "human").to_pylist() == told
    assert HASHED.column(values.slice(1, 3), "human").to_pylist() == told[1:4]
    assert HASHED.column(pa.array([7, None], pa.int64()), "human").to_pylist() == [pseudonym("7", "human"), None]
    assert HASHED.column(pa.array([], pa.string()), "human").to_pylist() == []
    assert {len(text) for text in told if text} == {24}


def test_nothing_is_common_to_two_namespaces_sources_or_keys() -> None:
    other = Pseudonyms(source="town", key=HASHED.key), Pseudonyms(source="village", key=PseudonymKey(b"k" * 32))
    found = [one.column(pa.array(["A"]), "human")[0].as_py() for one in (HASHED, *other)]
    found.append(HASHED.column(pa.array(["A"]), "account")[0].as_py())
    assert len(set(found)) == 4


def test_first_letters_stay_where_the_namespace_keeps_them() -> None:
    assert HASHED.column(pa.array(["+491", "1"]), "phone").to_pylist() == [
        f"+4{pseudonym('+491', 'phone')}",
        f"1{pseudonym('1', 'phone')}",
    ]


def test_the_key_is_in_no_text_of_it_and_travels_to_tasks() -> None:
    assert KEY not in repr(HASHED)
    assert "secret" not in repr(HASHED)
    assert str(bytes.fromhex(KEY)) not in repr(HASHED)
    assert pickle.loads(pickle.dumps(HASHED)) == HASHED
    assert HASHED.key.fingerprint != PseudonymKey(bytes.fromhex(OTHER_KEY)).fingerprint
    assert HASHED.key.fingerprint not in KEY


def test_columns_without_a_key_are_refused_and_others_are_left_alone() -> None:
    file = SourceFile(view="v", file="v.csv", columns=("a", "b"), identifiers=FrozenMap({"a": "human"}))
    columns = [pa.array(["A"]), pa.array(["b"])]
    assert [column.to_pylist() for column in hide(columns, file, HASHED)] == [[pseudonym("A", "human")], ["b"]]
    with pytest.raises(SetupError, match="there is no key"):
        hide(columns, file, None)
    plain = SourceFile(view="v", file="v.csv", columns=("a", "b"), identifiers=FrozenMap({"a": "as_delivered"}))
    assert hide(columns, plain, None) == columns


def test_a_number_of_a_parquet_file_is_hashed_as_its_digits(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [7, None], "n": [1, 2]}), tmp_path / "rows.parquet")
    types = FrozenMap({"id": "int64", "n": "int64"})
    file = SourceFile(
        view="v", file="rows.parquet", columns=("id", "n"), types=types, identifiers=FrozenMap({"id": "human"})
    )
    layout, _ = inspect_file(tmp_path / "rows.parquet", file)
    (batch,) = read_batches(tmp_path / "rows.parquet", "rows.parquet", file, layout, pseudonyms=HASHED)
    rows = [(row["id"], row["n"], row["_line"], row["_raw"]) for row in batch.to_pylist()]
    assert rows == [(pseudonym("7", "human"), 1, 1, None), (None, 2, 2, None)]
    with pytest.raises(SetupError, match="there is no key"):
        list(read_batches(tmp_path / "rows.parquet", "rows.parquet", file, layout))


def key_in(tmp_path: Path, environment: dict[str, str]) -> str:
    """The key's fingerprint, or what is wrong with it."""
    write_source(tmp_path / "project", files={"source.yaml": YAML})
    source = load_source(tmp_path / "project", "village")
    context: Any = SimpleNamespace(source=source, project=SimpleNamespace(root=tmp_path / "project"))
    try:
        key = read_key(context, environment)
    except SetupError as error:
        return str(error)
    assert key is not None
    return key.fingerprint


def written(path: Path, text: str = KEY, mode: int = 0o600) -> str:
    """A file of a key, and its path."""
    path.write_text(f"{text}\n")
    path.chmod(mode)
    return str(path)


def test_a_key_comes_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    assert key_in(tmp_path, {VARIABLE: f" {KEY.upper()} "}) == HASHED.key.fingerprint
    for mode in (0o600, 0o440):
        (tmp_path / "key.hex").unlink(missing_ok=True)
        assert key_in(tmp_path, {f"{VARIABLE}_FILE": written(tmp_path / "key.hex", mode=mode)}) == key_in(
            tmp_path, {VARIABLE: KEY}
        )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (KEY[:62], "the key has 31 bytes, and needs 32 to 64"),
        (KEY * 3, "the key has 96 bytes"),
        ("correct horse battery staple", "not written in hexadecimal digits"),
        ("00" * 32, "the key is not random"),
        ("0123456789abcdef" * 4, "the key is not random"),
    ],
)
def test_a_weak_key_is_refused_without_being_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "project").mkdir()
    found = key_in(tmp_path, {VARIABLE: text})
    assert told in found
    assert text not in found


def test_a_key_that_others_may_read_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    of_file = f"{VARIABLE}_FILE"
    assert "are not set" in key_in(tmp_path, {})
    assert "are both set" in key_in(tmp_path, {VARIABLE: KEY, of_file: written(tmp_path / "a")})
    assert "every user of this machine" in key_in(tmp_path, {of_file: written(tmp_path / "b", mode=0o644)})
    assert "cannot be read" in key_in(tmp_path, {of_file: str(tmp_path / "none")})
    assert "in the project's folder" in key_in(tmp_path, {of_file: written(project / "key")})
    (tmp_path / "link").symlink_to(project / "key")
    assert "in the project's folder" in key_in(tmp_path, {of_file: str(tmp_path / "link")})


def problems(tmp_path: Path, **files: str) -> list[str]:
    """What the source lacks."""
    write_source(tmp_path, files={name.replace("_", "."): text for name, text in files.items()})
    found = check_source(tmp_path, "village", contracts=contracts())
    return [f"{Path(problem.where.rpartition(':')[0]).name}: {problem.what}" for problem in found]


VIEW = """views:
  owners: {sql: "SELECT person AS who, MIN(born) AS born FROM people GROUP BY person", key: [who]}
tables:"""


def test_a_source_that_hashes_all_that_names_somebody_lacks_nothing(tmp_path: Path) -> None:
    assert problems(tmp_path, source_yaml=YAML) == []
    views = VIEW.replace("FROM people", "FROM people p LEFT JOIN accounts a ON a.person = p.person").replace(
        "person AS who", "p.person AS who").replace("BY person", "BY p.person")  # fmt: skip
    assert problems(tmp_path / "views", source_yaml=YAML.replace("tables:", views)) == []


YAML_MISTAKES = {
    "account: account}": ("acount: account}", "identifier acount is not among the columns"),
    "person: human, v": ("person: HUMAN, v", "identifier person has no namespace's name"),
    "reject_rate: 0.5\n": (
        "reject_rate: 0.5\npseudonyms: {keep_first: {planet: 1}}\n",
        "keep_first: no identifier is of planet",
    ),
    "reject_rate: 0.5": (
        "reject_rate: 0.5\npseudonyms: {keep_first: {human: 9}}",
        "keep_first of human is not a number from 1",
    ),
    "zone: E": ("pseudonyms: {key: my key}\nzone: E", "key is no name of an environment variable"),
    "reject_rate: 0.9}": ("reject_rate: 0.9, keep_raw_lines: never}", "keep_raw_lines is neither true nor false"),
    "{person: human, village: as_delivered}": ("[person]", "identifiers is not a mapping of columns"),
}


@pytest.mark.parametrize("right", YAML_MISTAKES)
def test_a_wrong_declaration_is_told(tmp_path: Path, right: str) -> None:
    wrong, told = YAML_MISTAKES[right]
    assert right in YAML
    assert any(told in problem for problem in problems(tmp_path, source_yaml=YAML.replace(right, wrong, 1)))


@pytest.mark.parametrize(
    ("yaml", "sql", "told"),
    [
        (YAML.replace(", village: as_delivered", ""), {},
         "customers.sql: region_id takes village of people, of which nothing says whether it is hashed"),
        (YAML.replace(", person: human}", "}"), {},
         "accounts.sql: customer_id takes person of accounts, of which nothing says whether it is hashed"),
        (YAML, {"accounts_sql": ACCOUNTS_SQL.replace("opened AS", "COALESCE(opened, SUBSTRING(person, 1, 1)) AS")},
         "accounts.sql: column person is hashed and is looked into here"),
        (YAML, {"accounts_sql": f"{ACCOUNTS_SQL}WHERE person <> 'X'"},
         "accounts.sql: column person is hashed and is looked into here"),
        (YAML, {"accounts_sql": ACCOUNTS_SQL.replace("CAST(NULL AS STRING) AS region_id", "_raw AS region_id")},
         "accounts.sql: _raw of accounts holds identifiers and is not kept"),
        (YAML.replace("tables:", VIEW),
         {"accounts_sql": ACCOUNTS_SQL.replace("person)", "a.account)") + "a JOIN owners o ON o.who = a.account"},
         "accounts.sql: who and account are compared, and are not of one namespace"),
        (YAML.replace("tables:", VIEW.replace("MIN(born)", "MIN(LEFT(person, 2))")), {},
         "source.yaml: column person is hashed and is looked into here"),
        (YAML.replace("tables:", VIEW.replace(" GROUP", " p WHERE p.person = 'X' GROUP")), {},
         "source.yaml: column person is hashed and is looked into here"),
        (YAML.replace("tables:", VIEW.replace("MIN(born)", "MIN(_raw)")), {},
         "source.yaml: _raw of people holds identifiers and is not kept"),
    ],
)  # fmt: skip
def test_a_mapping_that_breaks_what_the_declaration_promises_is_told(
    tmp_path: Path, yaml: str, sql: dict[str, str], told: str
) -> None:
    assert told in problems(tmp_path, source_yaml=yaml, **sql)


def test_what_only_decides_is_no_identifier_and_kept_letters_may_be_read(tmp_path: Path) -> None:
    decided = TRANSACTIONS_SQL.replace("b.account AS account_id", "CASE WHEN b.kind = 'X' THEN b.account ELSE b.account"
                                       " END AS account_id")  # fmt: skip
    assert problems(tmp_path, source_yaml=YAML, transactions_sql=decided) == []
    kept = YAML.replace("reject_rate: 0.5\n", "reject_rate: 0.5\npseudonyms: {keep_first: {human: 1}}\n")
    asked = f"{ACCOUNTS_SQL}WHERE person LIKE 'H%'"
    assert problems(tmp_path / "kept", source_yaml=kept, accounts_sql=asked) == []


def test_a_source_without_identifiers_is_as_it_was(tmp_path: Path) -> None:
    assert problems(tmp_path, source_yaml=SOURCE_YAML) == []
    source = load_source(tmp_path, "village")
    assert (source.namespaces, Pseudonyms.of(source, None)) == (set(), None)


@pytest.mark.parametrize(("declared", "kept"), [("", False), (", keep_raw_lines: true", True)])
def test_a_mapping_of_coordinates_keeps_no_line_unless_it_says_so(tmp_path: Path, declared: str, kept: bool) -> None:
    yaml = f"{SOURCE_YAML}  location_events: {{known_on: event_date{declared}}}\n"
    sql = (CHECKOUT / "sources" / "simbank" / "location_events.sql").read_text(encoding="utf-8")
    write_source(tmp_path, files={"source.yaml": yaml, "location_events.sql": sql})
    tables = load_source(tmp_path, "village").tables
    assert {name: table.keeps_raw_lines for name, table in tables.items()} == {
        "customers": True,
        "accounts": True,
        "transactions": True,
        "location_events": kept,
    }
