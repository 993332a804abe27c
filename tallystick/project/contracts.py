"""Reads ``schemas/<layer>/<table>.yaml`` (Open Data Contract Standard v3, one table a file) into table contracts.

The contract of a clean table's rejected rows is derived here, too: no file declares it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tallystick.errors import DeclarationError
from tallystick.project.files import find_declarations, read_yaml
from tallystick.project.problems import Problems
from tallystick.spec.names import nearest_name
from tallystick.spec.tables import LAYERS, Column, TableContract

REJECTED_SUFFIX = "_rejected"

# ODCS says in two words what we say in one: the logical type is for readers, the physical one is Delta's.
COLUMN_TYPES = {
    ("string", "STRING"): "string",
    ("integer", "INT"): "int32",
    ("integer", "BIGINT"): "int64",
    ("number", "DOUBLE"): "double",
    ("boolean", "BOOLEAN"): "boolean",
    ("date", "DATE"): "date",
    ("timestamp", "TIMESTAMP"): "timestamp",
}

# customProperties of a table that mean something here; any other is an error, so that a misspelt one is not lost.
_TEXT_PROPERTIES = ("entity", "eventId", "eventAt", "knownOn", "sequence", "lookupKey")
_LIST_PROPERTIES = ("sort", "derivedFrom")

# The one tag of a column that means something here; any other is an error, too.
_PROTECTED = "protected"


def load_contracts(root: Path) -> dict[str, TableContract]:
    """Every contract under ``root/schemas`` by ``layer.table``, and ``clean.<table>_rejected`` for each clean table.

    Sorted by name. Raises DeclarationError with file and column for the first thing that is wrong.
    """
    contracts, problems = read_contracts(root)
    problems.raise_first()
    return contracts


def read_contracts(root: Path) -> tuple[dict[str, TableContract], Problems]:
    """The contracts that can be read, as ``load_contracts`` gives them, and what is wrong with the other files."""
    contracts = {}
    files, problems = find_declarations(root / "schemas", layers=LAYERS)
    for name, path in files.items():
        contract, wrong = read_contract(path, name=name)
        problems += wrong
        if contract is not None:
            contracts[name] = contract
            if contract.layer == "clean":
                rejected = rejected_contract(contract)
                contracts[rejected.name] = rejected
    return dict(sorted(contracts.items())), problems


def load_contract(path: Path, *, name: str) -> TableContract:
    """The contract in one file, which must be of table ``name`` (its folder and file name) and of no other."""
    contract, problems = read_contract(path, name=name)
    problems.raise_first()
    if contract is None:
        raise DeclarationError("no contract can be read", where=str(path))
    return contract


def read_contract(path: Path, *, name: str) -> tuple[TableContract | None, Problems]:
    """The contract in one file, None when anything is wrong with it, and everything that is."""
    where, problems = str(path), Problems()
    document = _parse(path, problems)
    if document is None:
        return None, problems
    wrong = next((key for key in ("id", "name") if document.get(key, name) != name), "")
    if wrong:
        problems.tell(f"the contract's {wrong} is {document[wrong]}", where=where, fix=f"its path says {name}")
    schemas = document.get("schema", [])
    if len(schemas) != 1 or schemas[0]["name"] != name.partition(".")[2]:
        problems.tell("a contract has one schema, named as its file", where=where)
        return None, problems
    table = schemas[0]
    fields = [_column(field, problems, where=where) for field in table.get("properties", [])]
    properties = _custom_properties(table, problems, where=where)
    values: dict[str, Any] = {
        "description": _text(table, "description", problems, where=where),
        "grain": _text(table, "dataGranularityDescription", problems, where=where),
        "owner": _text(document.get("team", {}), "name", problems, where=where),
        "key": _positions(table, "primaryKey", "primaryKeyPosition", problems, where=where),
        "partition_by": _positions(table, "partitioned", "partitionKeyPosition", problems, where=where),
    }
    if problems:
        return None, problems
    with problems.collecting(where=where):
        contract = TableContract(
            name=name,
            columns=tuple(field for field in fields if field is not None),
            sort_by=tuple(properties.get("sort", ())),
            entity=properties.get("entity", ""),
            event_id=properties.get("eventId", ""),
            lookup_key=properties.get("lookupKey", ""),
            event_at=properties.get("eventAt", ""),
            known_on=properties.get("knownOn", ""),
            sequence=properties.get("sequence", ""),
            derived_from=tuple(properties.get("derivedFrom", ())),
            version=document["version"],
            path=where,
            **values,
        )
        return contract, problems
    return None, problems


def rejected_contract(contract: TableContract) -> TableContract:
    """The contract of the rows a load kept out of ``contract``'s table: one row per rejected row and load.

    ``rejected_id`` tells apart the rows that a mapping made of one raw line. ``known_on`` is null where the row was
    rejected before it had one.
    """
    return TableContract(
        name=f"{contract.name}{REJECTED_SUFFIX}",
        description=f"Rows kept out of {contract.name}, with the reason and where they came from.",
        grain="one row per rejected row and load",
        owner=contract.owner,
        columns=(
            Column(name="rejected_id", type="string", required=True, description="Unique within a load."),
            Column(name="loaded_on", type="date", required=True, description="Load date that met the row."),
            Column(name="table_name", type="string", required=True, description="Clean table, without its layer."),
            Column(name="reason", type="string", required=True, description="Why it was kept out, one word."),
            Column(name="column_name", type="string", description="Column at fault; null when it is the whole row."),
            Column(name="file", type="string", required=True, description="File of the landed delivery."),
            Column(name="line", type="int64", required=True, description="Line in that file, from 1, header counted."),
            Column(
                name="raw",
                type="string",
                pii="sensitive",
                description="The line as it was delivered; null where none is kept.",
            ),
            Column(name="known_on", type="date", description="Business date it would have been known."),
            Column(name="source", type="string", required=True, description="Name of the source, as in sources/."),
        ),
        key=("source", "loaded_on", "rejected_id"),
        partition_by=("source",),
        sort_by=("loaded_on", "file", "line"),
        derived_from=("raw.*",),
        version=contract.version,
        path=contract.path,
    )


def _parse(path: Path, problems: Problems) -> dict[str, Any] | None:
    """The file as the standard's own package understands it; what that package would drop is a problem."""
    # Imported here: the package brings pydantic, which a look at another part of the project need not pay for.
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    with problems.collecting(where=str(path)):
        raw = read_yaml(path)
        try:
            contract = OpenDataContractStandard(**raw)
        except ValidationError as error:
            for one in error.errors():
                place = ".".join(str(part) for part in one["loc"])
                problems.tell(f"not an ODCS contract: {place} {one['msg']}", where=str(path))
            return None
        except TypeError as error:
            raise DeclarationError("not an ODCS contract: not a mapping", where=str(path)) from error
        kept: dict[str, Any] = contract.model_dump(by_alias=True, exclude_unset=True)
        for lost in _lost(raw, kept):
            problems.tell(f"the data contract standard has no {lost}", where=str(path), fix="see schemas/clean/")
        missing = [field for field in ("apiVersion", "kind", "id", "version", "status") if not kept.get(field)]
        if missing or kept["kind"] != "DataContract" or not str(kept["apiVersion"]).startswith("v3."):
            what = f"no ODCS v3 contract: {', '.join(missing) or 'kind or apiVersion'}"
            problems.tell(what, where=str(path), fix="see schemas/")
        return None if missing else kept
    return None


def _lost(raw: Any, kept: Any, *, place: str = "") -> Iterator[str]:
    """The keys of ``raw`` that are not in ``kept``: pydantic ignores unknown keys of nested objects."""
    if isinstance(raw, Mapping) and isinstance(kept, Mapping):
        for key, value in raw.items():
            if key not in kept:
                yield f"{place}.{key}".lstrip(".")
            else:
                yield from _lost(value, kept[key], place=f"{place}.{key}")
    elif isinstance(raw, Sequence) and isinstance(kept, Sequence) and not isinstance(raw, str):
        for one, other in zip(raw, kept, strict=True):
            label = one.get("name", one.get("property", "")) if isinstance(one, Mapping) else ""
            yield from _lost(one, other, place=f"{place}[{label}]")


def _column(field: Mapping[str, Any], problems: Problems, *, where: str) -> Column | None:
    name = _text(field, "name", problems, where=where)
    pair = (str(field.get("logicalType")), str(field.get("physicalType")))
    description = _text(field, "description", problems, where=where)
    pii = _text(field, "classification", problems, where=where)
    if pair not in COLUMN_TYPES:
        allowed = ", ".join(" ".join(p) for p in COLUMN_TYPES)
        problems.tell(f"column {name} has no known type: {' '.join(pair)}", where=where, fix=f"one of {allowed}")
    elif unknown := [str(tag) for tag in field.get("tags") or () if tag != _PROTECTED]:
        what = f"column {name} has an unknown tag: {', '.join(unknown)}"
        problems.tell(what, where=where, fix=f"tags: [{_PROTECTED}], or none")
    elif description and pii:
        with problems.collecting(where=where):
            return Column(
                name=name,
                type=COLUMN_TYPES[pair],
                description=description,
                required=bool(field.get("required", False)),
                values=tuple(str(one.get("value", "")) for one in field.get("enum", ())),
                pii=pii,
                protected=bool(field.get("tags")),
            )
    return None


def _custom_properties(table: Mapping[str, Any], problems: Problems, *, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in table.get("customProperties", ()):
        name, value = item.get("property", ""), item.get("value")
        kind = str if name in _TEXT_PROPERTIES else list if name in _LIST_PROPERTIES else None
        if kind is None or not isinstance(value, kind):
            what = f"customProperty {name} is unknown or of the wrong kind"
            fix = nearest_name(name, (*_TEXT_PROPERTIES, *_LIST_PROPERTIES))
            problems.tell(what, where=where, fix=fix if kind is None else f"a {kind.__name__}")
        else:
            found[name] = value
    return found


def _positions(
    table: Mapping[str, Any], flag: str, position: str, problems: Problems, *, where: str
) -> tuple[str, ...]:
    """The columns that carry ``flag``, in the order of ``position``, which must run from 1 without a gap."""
    chosen = [field for field in table.get("properties", ()) if field.get(flag)]
    chosen.sort(key=lambda field: int(field.get(position, 0)))
    if [field.get(position) for field in chosen] != list(range(1, len(chosen) + 1)):
        problems.tell(f"{position} must run from 1 without a gap over the {flag} columns", where=where)
    return tuple(str(field.get("name", "")) for field in chosen)


def _text(mapping: Mapping[str, Any], key: str, problems: Problems, *, where: str) -> str:
    """The text under ``key``; empty, and a problem, where there is none."""
    value = mapping.get(key)
    if not isinstance(value, str) or not value.strip():
        named = f" of {mapping['name']}" if mapping.get("name") else ""
        problems.tell(f"{key}{named} is missing", where=where)
        return ""
    return value.strip()
