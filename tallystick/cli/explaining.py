"""The passport of a feature: everything that is declared of it, and what follows from the declaration.

``show_feature`` is the short form, ``explain_feature`` adds the SQL and the edges of its windows. Both return a record
for ``printing`` and need no table; ``spec.describe`` has the words.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.cli.running import open_project
from tallystick.errors import DeclarationError, NotFound
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.bases import FeatureColumn
    from tallystick.spec.features import FeatureGroup

# Parameters of the SQL that are no edges of windows.
_TEXTS = ("customer_id", "observation_id", "zone")

SIGNS = {1: "+1: higher means more risk", -1: "-1: higher means less risk", 0: "0: not known"}


def show_feature(name: str, project: Path | None) -> dict[str, object]:
    """The short passport of one feature: meaning, rules, ownership. NotFound with the nearest name."""
    return _passport(open_project(project), *_find(name, open_project(project)))


def explain_feature(
    name: str, project: Path | None, *, as_of: str = "", source: str = "", customer: str = ""
) -> dict[str, object]:
    """The whole passport: the short one, its parts, the SQL that computes it and the edges of its windows.

    ``as_of`` (a date, or an instant with its offset) fills the SQL and works the edges out in the zone of ``source``,
    by default the first source that fills the table; ``customer`` goes into the SQL too, which then runs as it is.
    """
    declared = open_project(project)
    group, column = _find(name, declared)
    made = _passport(declared, group, column)
    if column.formula != "cell":
        made["formula"] = _formula(group, column)
    made |= _sql(declared, group, column, as_of=as_of, source=source, customer=customer)
    return made


def read_as_of(text: str, zone: str) -> datetime:
    """``2026-03-10`` as that day's local midnight, ``2026-03-10T15:30+08:00`` as that instant.

    DeclarationError for any other text, also an instant without its offset.
    """
    from tallystick.spec.calendar import business_instant

    fix = "give a date such as 2026-03-10, or an instant with its offset such as 2026-03-10T15:30+08:00"
    try:
        if len(text) == len("2026-03-10"):
            return business_instant(datetime.combine(date.fromisoformat(text), datetime.min.time()), zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DeclarationError(f"{text!r} cannot be read", where="--as-of", fix=fix) from None
    if moment.tzinfo is None:
        raise DeclarationError(f"{text!r} has no offset", where="--as-of", fix=fix)
    return moment.astimezone(UTC)


def _find(name: str, project: Project) -> tuple[FeatureGroup, FeatureColumn]:
    from tallystick.project.places import pointing
    from tallystick.spec.columns import group_columns, group_retirements, retired_columns
    from tallystick.spec.retirements import tell_gone

    known: dict[str, FeatureColumn] = {}
    for group in project.feature_groups.values():
        with pointing(group.path):
            for make in (group_columns, retired_columns):
                known |= {column.name: column for column in make(group, project.contracts)}
    if name not in known:
        gone = [one for group in project.feature_groups.values() for one in group_retirements(group)]
        fix = tell_gone(name, gone) or nearest_name(name, known)
        raise NotFound(f"there is no feature {name}", where="features/", fix=fix)
    return project.feature_groups[known[name].group], known[name]


def _passport(project: Project, group: FeatureGroup, column: FeatureColumn) -> dict[str, object]:
    from tallystick.spec import describe
    from tallystick.spec.meaning import column_fingerprint
    from tallystick.spec.permissions import protected_sources

    assumed = [s.name for s in project.sources.values() if group.reads.intersection(s.assumed_tables)]
    made: dict[str, object] = {
        "feature": column.name,
        "meaning": column.description,
        "operation": column.op,
        "windows": describe.window_words(group, column),
        "reads": describe.source_columns(group, column, project.contracts),
        "only rows where": _conditions(group, column),
        "counts rows of": f"the observation's own {group.per}" if group.per else "the customer",
        "of nothing": describe.null_rule(group, column),
        "type": column.type,
        "stored in": group.feature_table,
        "expected sign": SIGNS[column.sign],
        "told to a customer": column.reason,
        "owner": column.owner,
        "PII class": column.pii,
        "permitted use": column.permitted_use or "none",
        "made of protected": list(protected_sources(group, column, project.contracts)) or "nothing",
        "dates assumed": assumed or "at no source",
        "fingerprint": column_fingerprint(group, column),
        "declared at": _declared_at(group, column, project.root),
    }
    if column.retired_on is not None:
        made["retired on"] = column.retired_on
    if column.replaces:
        made["replaces"] = column.replaces
    return made


def _conditions(group: FeatureGroup, column: FeatureColumn) -> list[str] | str:
    from tallystick.spec.bases import group_bases

    bases = group_bases(group)
    found: dict[str, None] = {}
    for cell in column.cells:
        base = bases[cell.stem]
        texts = [group.where, base.measure.where, group.filters.get(base.filter, "")]
        if base.value:
            others = f"no declared value of {base.measure.by}, or null" if base.value == "other" else base.value
            texts.append(f"{base.measure.by} is {others}")
        kept = " and ".join(text for text in texts if text) or "all rows"
        found[kept if column.formula == "cell" else f"{cell.stem}: {kept}"] = None
    return list(found) or "as of the features that it is made of"


def _declared_at(group: FeatureGroup, column: FeatureColumn, root: Path) -> str:
    """``file:line`` below the project: of the measure where its name stands in the file, else of the group."""
    from tallystick.project.places import place_in_file
    from tallystick.spec.bases import NAMED_FORMULAS

    if column.formula in ("ratio", "change", "zscore"):
        place = place_in_file(group.path, column.cells[0].stem, words=(column.formula,))
    else:
        kind = column.formula if column.formula in (*NAMED_FORMULAS, "combined") else "measure"
        place = place_in_file(group.path, column.measure, words=(kind, column.op, column.filter))
    return place.removeprefix(f"{root}/")


def _formula(group: FeatureGroup, column: FeatureColumn) -> str:
    from tallystick.spec.combined_columns import combined_of

    if column.series is not None:
        return f"{column.op} over {column.series.months} whole months of: {column.series.value}"
    if column.formula == "combined":
        return combined_of(group, column).value
    parts = [f"{cell.stem} over {cell.window}" + (f", {cell.lag} before" if cell.lag else "") for cell in column.cells]
    return {
        "share": "{0} / {1}",
        "ratio": "({0}, per day) / ({1}, per day)",
        "change": "({0} - {1}) / |{1}|",
        "distance": "kilometres from ({0}, {1}) to ({2}, {3})",
        "gyration": "kilometres of sqrt({1}^2 + (cos({0}) {2})^2)",
        "zscore": "({0} - mean of the windows before) / their sample standard deviation",
    }[column.formula].format(*(f"[{part}]" for part in parts))


def _sql(
    project: Project, group: FeatureGroup, column: FeatureColumn, *, as_of: str, source: str, customer: str
) -> dict[str, object]:
    from tallystick.spec.feature_sql import feature_sql, sql_parameters, sql_with_values

    sql = feature_sql(group, column, project.contracts)
    if not as_of:
        return {"SQL": sql}
    zone = _zone(project, group, source)
    values = sql_parameters(sql, customer_id=customer, as_of=read_as_of(as_of, zone), zone=zone)
    edges = {f"${name}": _local(value, zone) for name, value in values.items() if name not in _TEXTS}
    filled = {name: value for name, value in values.items() if value != ""}
    return {"zone": zone, "edges": [f"{name} = {text}" for name, text in edges.items()],
            "SQL": sql_with_values(sql, filled)}  # fmt: skip


def _zone(project: Project, group: FeatureGroup, source: str) -> str:
    if source and source not in project.sources:
        raise NotFound(f"there is no source {source}", where="sources/", fix=nearest_name(source, project.sources))
    filling = [s for s in project.sources.values() if group.table.partition(".")[2] in s.tables]
    chosen = [project.sources[source]] if source else filling or list(project.sources.values())
    if not chosen:
        raise NotFound("no source is declared, so there is no business zone", where="sources/")
    return chosen[0].zone


def _local(value: object, zone: str) -> str:
    from tallystick.spec.calendar import business_zone

    if isinstance(value, datetime):
        return value.astimezone(business_zone(zone)).isoformat(sep=" ")
    return str(value)
