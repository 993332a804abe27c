"""Functions of texts: how DuckDB writes each, and which type comes out.

Where DuckDB would skip a null, count otherwise or match otherwise, the rule says it in other words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tallystick.dialect.casts import cast, literal_number, literal_text, only_text, text
from tallystick.dialect.regexes import java_pattern
from tallystick.dialect.types import (
    INTEGERS,
    FunctionRule,
    NotTranslated,
    Rule,
    Value,
    struct_fields,
    text_literal,
)


def changed_case(name: str) -> Rule:
    """LOWER or UPPER: ASCII in DuckDB, all else in a function of ours."""

    def apply(values: Sequence[Value]) -> Value:
        return Value(f"spark_{name}({only_text(values[0])})", "string")

    return apply


def _concat(values: Sequence[Value]) -> Value:
    return Value(f"({' || '.join(text(value) for value in values)})", "string")


def _concat_ws(values: Sequence[Value]) -> Value:
    separator = text_literal(literal_text(values[0]))
    return Value(f"concat_ws({separator}, {', '.join(text(value) for value in values[1:])})", "string")


def _substring_index(values: Sequence[Value]) -> Value:
    whole, sign, count = only_text(values[0]), literal_text(values[1]), literal_number(values[2])
    if len(sign) != 1 or count not in (1, -1):
        raise NotTranslated("another delimiter or count")
    return Value(f"split_part({whole}, {text_literal(sign)}, {count})", "string")


def _replace(values: Sequence[Value]) -> Value:
    if not literal_text(values[1]):
        raise NotTranslated("an empty text to replace")
    return Value(f"replace({', '.join(only_text(value) for value in values)})", "string")


def _length(values: Sequence[Value]) -> Value:
    return Value(f"CAST(length({only_text(values[0])}) AS INTEGER)", "int")


def _regexp_extract(values: Sequence[Value]) -> Value:
    pattern, group = java_pattern(literal_text(values[1])), literal_number(values[2])
    if not 0 <= group <= pattern.groups:
        raise NotTranslated("a group that the pattern lacks")
    whole = only_text(values[0])
    if pattern.is_ended and not pattern.is_ended_always:
        raise NotTranslated("a pattern of which one alternative ends in $")
    if not pattern.is_ended:
        return Value(f"regexp_extract({whole}, {text_literal(pattern.text)}, {group})", "string")
    return Value(f"regexp_extract({whole}, {text_literal(pattern.bracketed)}, {group + 1})", "string")


def _regexp_replace(values: Sequence[Value]) -> Value:
    pattern, new = java_pattern(literal_text(values[1])), literal_text(values[2])
    if pattern.can_be_empty or pattern.groups or "$" in new or "\\" in new:
        raise NotTranslated("a pattern with groups, one that may be empty, or a replacement with $")
    if pattern.is_ended and not pattern.is_ended_always:
        raise NotTranslated("a pattern of which one alternative ends in $")
    if pattern.is_ended:
        new = f"{new}\\1"
    made = pattern.kept_end if pattern.is_ended else pattern.text
    return Value(f"regexp_replace({only_text(values[0])}, {text_literal(made)}, {text_literal(new)}, 'g')", "string")


def _string(values: Sequence[Value]) -> Value:
    return cast(values[0], "string")


def _xxhash64(values: Sequence[Value]) -> Value:
    return Value(f"spark_hash({only_text(values[0])})", "bigint")


def _hex(values: Sequence[Value]) -> Value:
    if values[0].type not in INTEGERS:
        raise NotTranslated(values[0].type)
    return Value(f"printf('%X', CAST({values[0].sql} AS BIGINT))", "string")


def _to_json(values: Sequence[Value]) -> Value:
    if not values[0].type.startswith("struct<"):
        raise NotTranslated(values[0].type)
    parts = []
    for name, kind in struct_fields(values[0].type):
        if kind == "void":
            continue
        if kind not in (*INTEGERS, "string", "boolean") or not name.isascii():
            raise NotTranslated(f"a field of {kind}")
        part = f"struct_extract({values[0].sql}, {text_literal(name)})"
        key = text_literal(json.dumps(name) + ":")
        parts.append(
            f"{key} || {f'CAST(to_json({part}) AS VARCHAR)' if kind == 'string' else f'CAST({part} AS VARCHAR)'}"
        )
    return Value(f"('{{' || concat_ws(',', {', '.join(parts) or 'NULL'}) || '}}')", "string")


def _substring(values: Sequence[Value]) -> Value:
    """Counted from 1, or from the end; what lies before the text is empty."""
    whole, start = only_text(values[0]), literal_number(values[1])
    size = literal_number(values[2]) if len(values) > 2 else None
    if size is not None and size <= 0:
        return Value(f"substring({whole}, 1, 0)", "string")
    if start >= 0:
        return Value(f"substring({whole}, {max(start, 1)}{'' if size is None else f', {size}'})", "string")
    tail = f"right({whole}, {-start})"
    if size is None:
        return Value(tail, "string")
    outside = f"greatest(least(length({whole}) + {size + start}, {size}), 0)"
    return Value(f"left({tail}, CAST({outside} AS INTEGER))", "string")


def _left(values: Sequence[Value]) -> Value:
    return Value(f"left({only_text(values[0])}, {max(literal_number(values[1]), 0)})", "string")


def _right(values: Sequence[Value]) -> Value:
    return Value(f"right({only_text(values[0])}, {max(literal_number(values[1]), 0)})", "string")


def padded(name: str) -> Rule:
    """LPAD or RPAD to a literal length; a longer text is cut."""

    def apply(values: Sequence[Value]) -> Value:
        size, sign = literal_number(values[1]), literal_text(values[2]) if len(values) > 2 else " "
        if not sign:
            raise NotTranslated("an empty text to fill up with")
        return Value(f"{name}({only_text(values[0])}, {max(size, 0)}, {text_literal(sign)})", "string")

    return apply


def trimmed(name: str) -> Rule:
    """Blanks taken off; only blanks."""
    return lambda values: Value(f"{name}({only_text(values[0])}, ' ')", "string")


def tested(name: str) -> Rule:
    """Whether a text has another one at its start, its end or anywhere."""
    return lambda values: Value(f"{name}({only_text(values[0])}, {only_text(values[1])})", "boolean")


def _split_part(values: Sequence[Value]) -> Value:
    whole, by, place = only_text(values[0]), literal_text(values[1]), literal_number(values[2])
    if not by or place == 0:
        raise NotTranslated("an empty delimiter, or part 0")
    return Value(f"split_part({whole}, {text_literal(by)}, {place})", "string")


def _translate(values: Sequence[Value]) -> Value:
    signs, others = literal_text(values[1]), literal_text(values[2])
    if len(set(signs)) < len(signs) or not signs:
        raise NotTranslated("a sign twice, or none")
    return Value(f"translate({only_text(values[0])}, {text_literal(signs)}, {text_literal(others)})", "string")


def _instr(values: Sequence[Value]) -> Value:
    if not literal_text(values[1]):
        raise NotTranslated("an empty text to find")
    return Value(f"CAST(instr({only_text(values[0])}, {values[1].sql}) AS INTEGER)", "int")


def _locate(values: Sequence[Value]) -> Value:
    return _instr([values[1], values[0]])


def _repeat(values: Sequence[Value]) -> Value:
    return Value(f"repeat({only_text(values[0])}, {max(literal_number(values[1]), 0)})", "string")


TEXT_RULES = (
    FunctionRule("CONCAT", 1, 100, _concat, "null when any part is"),
    FunctionRule("CONCAT_WS", 2, 100, _concat_ws, "skips nulls; the separator is a literal"),
    FunctionRule("SUBSTRING_INDEX", 3, 3, _substring_index, "a delimiter of one sign, and the count 1 or -1"),
    FunctionRule("STARTSWITH", 2, 2, tested("starts_with")),
    FunctionRule("ENDSWITH", 2, 2, tested("ends_with")),
    FunctionRule("CONTAINS", 2, 2, tested("contains")),
    FunctionRule("SUBSTRING SUBSTR", 2, 3, _substring, "place and length are literals"),
    FunctionRule("LEFT", 2, 2, _left, "the length is a literal"),
    FunctionRule("RIGHT", 2, 2, _right, "the length is a literal"),
    FunctionRule("LPAD", 2, 3, padded("lpad"), "length and filling are literals"),
    FunctionRule("RPAD", 2, 3, padded("rpad"), "length and filling are literals"),
    FunctionRule("TRIM BTRIM", 1, 1, trimmed("trim")),
    FunctionRule("LTRIM", 1, 1, trimmed("ltrim")),
    FunctionRule("RTRIM", 1, 1, trimmed("rtrim")),
    FunctionRule("SPLIT_PART", 3, 3, _split_part, "delimiter and number are literals"),
    FunctionRule("TRANSLATE", 3, 3, _translate, "both lists of signs are literals"),
    FunctionRule("INSTR", 2, 2, _instr, "the text to find is a literal"),
    FunctionRule("LOCATE", 2, 2, _locate, "the text to find is a literal"),
    FunctionRule("REPEAT", 2, 2, _repeat, "the number is a literal"),
    FunctionRule("REPLACE", 3, 3, _replace, ""),
    FunctionRule("LENGTH CHAR_LENGTH CHARACTER_LENGTH LEN", 1, 1, _length, ""),
    FunctionRule("REGEXP_EXTRACT", 3, 3, _regexp_extract, "a pattern that Java and RE2 read alike"),
    FunctionRule(
        "REGEXP_REPLACE",
        3,
        3,
        _regexp_replace,
        "a pattern without groups that Java and RE2 read alike; a replacement without `$` and backslash",
    ),
    FunctionRule("STRING", 1, 1, _string, ""),
    FunctionRule("XXHASH64", 1, 1, _xxhash64, "of one text"),
    FunctionRule("HEX", 1, 1, _hex, "of a whole number"),
    FunctionRule("TO_JSON", 1, 1, _to_json, "of a struct of texts, whole numbers and truth values; leaves out nulls"),
    FunctionRule("LOWER LCASE", 1, 1, changed_case("lower")),
    FunctionRule("UPPER UCASE", 1, 1, changed_case("upper")),
)
