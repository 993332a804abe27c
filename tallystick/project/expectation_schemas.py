"""What each expectation takes, from the JSON schemas that Great Expectations publishes beside its classes.

Kept apart from ``expectations`` because this is the library's knowledge, not ours. Reading its schemas takes
milliseconds; importing the library takes seconds, and ``tally check`` is run often.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tallystick.errors import SetupError
from tallystick.spec.names import nearest_name

# Properties of an expectation that are no arguments of its own. A suite says severity and meta beside its kwargs.
_NOT_KWARGS = frozenset(
    {"id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "severity"}
    | {"windows", "batch_id", "metadata"}
)

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}
_WORDS = {"string": "text", "array": "a list", "object": "a mapping", "boolean": "true or false", "number": "a number"}


@cache
def expectation_types() -> Mapping[str, Path]:
    """Every expectation type whose schema the installed library publishes, with the path of that schema."""
    spec = importlib.util.find_spec("great_expectations")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("great_expectations is not installed", fix="uv sync --frozen")
    core = Path(spec.submodule_search_locations[0], "expectations", "core")
    # A schema is named after its class, ExpectColumnKLDivergenceToBeLessThan, which does not say where its words end;
    # the class's own file does.
    schemas = {path.stem.lower(): path for path in (core / "schemas").glob("*xpect*.json")}
    names = {path.stem: path.stem.replace("_", "") for path in sorted(core.glob("*expect*.py"))}
    return {name: schemas[joined] for name, joined in names.items() if joined in schemas}


def kwarg_faults(kind: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the arguments of an expectation of a known type, each with its advice; none when all is well.

    Misspelt and missing names, values of the wrong type, and numbers out of range, as the library would find when the
    suite runs, and bounds that nothing can meet.
    """
    properties, required = _schema(kind)
    for name, value in kwargs.items():
        if name not in properties:
            yield f"{kind} takes no {name}", nearest_name(name, properties)
        elif value is not None and not _fits(value, properties[name]):
            yield f"{name}: {value!r} is not what {kind} takes", _wanted(properties[name])
    for name in required:
        if kwargs.get(name) is None:
            yield f"{kind} needs {name}", ""
    columns = kwargs.get("column_list")
    if isinstance(columns, list) and len(columns) < 2:
        yield f"{kind} needs two columns or more", ""
    yield from _bound_faults(kind, kwargs)


def _bound_faults(kind: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not kind.endswith("_between") or "quantile" in kind:
        return
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is None and high is None:
        yield f"{kind} needs min_value or max_value", ""
    elif _is_above(low, high):
        yield f"min_value {low} is above max_value {high}: no value can be between them", ""


def _is_above(low: Any, high: Any) -> bool:
    """Whether two bounds of one kind are the wrong way round; False where they cannot be compared."""
    if isinstance(low, int | float) and isinstance(high, int | float):
        return low > high
    return isinstance(low, str) and isinstance(high, str) and low > high


@cache
def _schema(kind: str) -> tuple[Mapping[str, Mapping[str, Any]], tuple[str, ...]]:
    content = json.loads(expectation_types()[kind].read_text(encoding="utf-8"))
    properties = {name: rule for name, rule in content["properties"].items() if name not in _NOT_KWARGS}
    return properties, tuple(content.get("required", ()))


def _fits(value: Any, rule: Mapping[str, Any]) -> bool:
    """Whether a value is one of the kinds that a rule allows. A rule that only refers to another one allows all."""
    options = rule.get("anyOf") or rule.get("oneOf")
    if options:
        return any(_fits(value, option) for option in options)
    if "$ref" in rule or "allOf" in rule:
        return True
    kinds = _TYPES.get(str(rule.get("type")))
    if isinstance(value, date):  # YAML writes a date without quotes
        return str(rule.get("format", "")).startswith("date")
    if kinds is not None and not isinstance(value, kinds):
        return False
    if kinds is not None and isinstance(value, bool) and bool not in kinds:
        return False
    if "format" in rule and not _is_date(value):
        return False
    if "enum" in rule and value not in rule["enum"]:
        return False
    if isinstance(value, list):
        items = rule.get("items")
        if len(value) < rule.get("minItems", 0):
            return False
        return not isinstance(items, Mapping) or all(_fits(item, items) for item in value)
    if isinstance(value, int | float):
        return bool(rule.get("minimum", value) <= value <= rule.get("maximum", value))
    return True


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        return False
    return True


def _wanted(rule: Mapping[str, Any]) -> str:
    """What a rule allows, in words."""
    found: list[str] = []
    for option in rule.get("anyOf") or rule.get("oneOf") or [rule]:
        if "enum" in option:
            found.append(f"one of {', '.join(map(str, option['enum']))}")
        elif "minimum" in option or "maximum" in option:
            found.append(f"a number from {option.get('minimum', '')} to {option.get('maximum', '')}".strip())
        elif "format" in option:
            found.append("a date as text")
        elif option.get("type") != "object":
            found += [_WORDS.get(str(kind), "a whole number") for kind in [option.get("type", "array")]]
    return "it takes " + " or ".join(dict.fromkeys(found)) if found else ""
