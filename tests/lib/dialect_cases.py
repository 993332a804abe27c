"""The expressions that both engines must answer alike, by the type of the column ``x`` that they read."""

from __future__ import annotations

from tallystick.spec.mappings import text_sql
from tallystick.spec.readings import LOCAL_TEXT, NUMBER_TEXT, ZONED_TEXT

ZONES = ("Europe/Prague", "Asia/Shanghai", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe")

_READ = (
    "INT",
    "BIGINT",
    "DECIMAL(18, 2)",
    "DECIMAL(38, 22)",
    "DECIMAL(10, 0)",
    "DECIMAL(5, 5)",
    "DOUBLE",
    "BOOLEAN",
    "DATE",
)
_PATTERNS = (
    "yyyyMMdd HH:mm:ss", "yyyy/MM/dd HH:mm:ss", "yyyy-MM-dd", "d.M.yyyy", "dd.MM.yyyy", "dd.MM.yyyy HH:mm",
    "yyyyMMdd", "yyyyMM",
    "yyyyMMdd'T'HHmmss", "yyyyMMdd HHmmss", "yyyy-MM-dd'T'HH:mm:ss.SSS", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS", "HH:mm:ss",
    "d.M.yyyy H:mm",
)  # fmt: skip
_REGEXES = (
    "[.][0-9]{2}[0-9]*[1-9]|[0-9.][eE][+-]?[0-9]|[^\\x00-\\x7F]", "^[^eE]{1,24}[eE]", NUMBER_TEXT, LOCAL_TEXT,
    ZONED_TEXT,
    f"{LOCAL_TEXT}|{ZONED_TEXT}", "[.]0$", "^C", "a.b", "^a.?$", "\\d+", "\\s", "\\S", "[^\\d]", "\\w{2,3}",
    "(a|b)+", "a*?b", "^$", "\\|",
    "[a-c]", "1[.]0$", "\\.0$",
)  # fmt: skip

EXPRESSIONS: dict[str, list[str]] = {
    "string": [
        *(f"TRY_CAST(x AS {kind})" for kind in _READ),
        *(f"TRY_TO_TIMESTAMP(x, {text_sql(pattern)})" for pattern in _PATTERNS),
        *(f"x RLIKE {text_sql(pattern)}" for pattern in _REGEXES),
        *(f"REGEXP_EXTRACT(x, {text_sql(pattern)}, 0)" for pattern in _REGEXES),
        f"TRY_CAST(REGEXP_EXTRACT(x, {text_sql(LOCAL_TEXT)}, 0) AS TIMESTAMP)",
        f"TRY_CAST(REGEXP_EXTRACT(x, {text_sql(ZONED_TEXT)}, 0) AS TIMESTAMP)",
        f"TRY_CAST(REGEXP_EXTRACT(x, {text_sql(LOCAL_TEXT)}, 0) AS TIMESTAMP_NTZ)",
        "CASE WHEN x NOT RLIKE '^[ \\t]*(T|[0-9]{1,2}:)' THEN TRY_CAST(x AS TIMESTAMP) END",
        "TRY_CAST(x AS TIMESTAMP_NTZ)",
        "REGEXP_EXTRACT(x, '([a-z])([0-9]+)', 2)", "REGEXP_EXTRACT(x, '^(.)[|]', 1)",
        "REGEXP_EXTRACT(x, ':([0-9]+)$', 1)",
        "REGEXP_REPLACE(x, '[.]0$', '')", "REGEXP_REPLACE(x, '[0-9]', '#')",
        "NULLIF(REGEXP_REPLACE(x, '[.]0$', ''), '0')",
        "x = '1'", "x <=> NULL", "x <> 'a'", "x < 'a'", "x BETWEEN 'A' AND 'a'", "x IN ('a', 'b')",
        "x NOT IN ('a', NULL)", "x LIKE 'C%'",
        "x LIKE '_'", "x LIKE '%a%'", "NOT (x = 'a' OR NULL)", "x = 'a' AND NULL", "x IS NULL",
        "CASE x WHEN 'a' THEN 'b' WHEN '1' THEN NULL ELSE x END", "CASE WHEN x = 'a' THEN 1 END", "IF(x = 'a', 1, 2)",
        "COALESCE(x, 'none')", "NVL(x, '')", "NULLIF(x, 'a')", "GREATEST(x, 'a')", "LEAST(x, NULL, 'a')",
        "CONCAT('s', ':', x)",
        "x || 'a'", "CONCAT(x, NULL)", "CONCAT_WS(':', x, NULL, n)", "CONCAT_WS('\\n', x, x)", "TRIM(x)",
        "LOWER(TRIM(x))", "LOWER(x)",
        "UPPER(x)", "REPLACE(x, 'a', 'bb')", "LENGTH(x)", "SUBSTRING(x, 2)", "SUBSTRING(x, 1, 3)",
        "SUBSTRING(x, 2, 0)",
        "SUBSTRING_INDEX(x, '|', 1)", "SUBSTRING_INDEX(x, '|', -1)", "STARTSWITH(x, 'simbank:')", "XXHASH64(x)",
        "PMOD(XXHASH64(x), 7)", "CAST(PMOD(XXHASH64(x), 3) AS INT)", "HEX(XXHASH64(x))",
        "TO_JSON(STRUCT(x, n, x = 'a' AS y))",
        "CASE WHEN x = 'a' THEN 0 ELSE 1000000000000 END + n",
        "CONCAT(TRY_CAST(x AS DECIMAL(18, 2)) * 100, '')",
    ],
    "int": [
        "TRY_CAST(x AS BIGINT)", "CAST(x AS STRING)", "CAST(x AS DOUBLE)", "TRY_CAST(x AS DECIMAL(18, 2))",
        "TRY_CAST(x AS DECIMAL(3, 1))",
        "CAST(x AS BOOLEAN)", "x = 7", "x > 1.5", "x + CAST(1 AS BIGINT)", "x - 1000000000000",
        "CAST(x AS BIGINT) * 7", "x % 3", "x DIV 3",
        "x / 4", "PMOD(x, 3)", "ABS(CAST(x AS BIGINT))", "- CAST(x AS BIGINT)",
        "CASE WHEN x = 0 THEN FALSE WHEN x = 1 THEN TRUE END",
        "GREATEST(x, 5)", "COALESCE(x, 1000000000000)", "HEX(x)", "x IN (1, 2, 1000000000000)", "x BETWEEN -7 AND 7",
        "TIMESTAMP_SECONDS(x)", "DATE_ADD(DATE '2024-01-31', x % 100)", "ADD_MONTHS(DATE '2024-01-31', x % 100)",
    ],
    "bigint": [
        "TRY_CAST(x AS INT)", "CAST(x AS STRING)", "CAST(x AS DOUBLE)", "TRY_CAST(x AS DECIMAL(18, 2))",
        "TRY_CAST(x AS DECIMAL(24, 6))",
        "TRY_CAST(x AS DECIMAL(38, 18))", "CAST(x AS BOOLEAN)", "x = 7", "x = CAST(x AS DECIMAL(20, 0))",
        "CAST(x AS DOUBLE) = x", "x % 3",
        "PMOD(x, 1000)", "x DIV 7", "HEX(x)",
        "CASE WHEN x BETWEEN -62135596800 AND 253402300799 THEN TIMESTAMP_SECONDS(x) END",
        "CASE WHEN x BETWEEN -62135596800 AND 253402300799 THEN TIMESTAMP_MILLIS(x) END",
        "TIMESTAMP_MICROS(x % 1000000000000000)",
        "x <=> NULL", "x <=> 7",
    ],
    "double": [
        "TRY_CAST(x AS INT)", "TRY_CAST(x AS BIGINT)", "x = 1", "x > 1.5", "x < x", "x = x", "x <=> x", "ABS(x)",
        "- x", "x + 1", "x * 2",
        "NULLIF(NULLIF(NULLIF(x, DOUBLE('Infinity')), -DOUBLE('Infinity')), DOUBLE('NaN'))", "x = 0", "x IN (0, 1)",
        "x > DOUBLE('NaN')",
        "CASE WHEN TRY_CAST(x AS BIGINT) = x AND ABS(x) < 9007199254740992 THEN TRY_CAST(x AS BIGINT) END",
        "CASE WHEN x = 0 THEN FALSE WHEN x = 1 THEN TRUE END", "COALESCE(x, 1)",
    ],
    "boolean": [
        "CAST(x AS STRING)", "CAST(x AS INT)", "CAST(x AS BIGINT)", "CAST(x AS DECIMAL(5, 2))", "NOT x",
        "x AND NULL", "x OR NULL", "x = TRUE",
        "x <=> NULL", "x IS NULL", "COALESCE(x, FALSE)", "x IS TRUE", "x IS NOT FALSE",
        "CASE WHEN x THEN 1 ELSE 2 END", "GREATEST(x, FALSE)",
    ],
    "date": [
        "CAST(x AS STRING)", "CAST(x AS TIMESTAMP)", "CAST(x AS TIMESTAMP_NTZ)", "DATE_ADD(x, 1)", "DATE_ADD(x, -3)",
        "ADD_MONTHS(x, 1)",
        "ADD_MONTHS(x, -13)", "DATE_FORMAT(x, 'yyyy')", "DATE_FORMAT(x, 'yyyy-MM')", "x = DATE '2024-02-29'",
        "GREATEST(x, DATE '2024-01-01')",
        "x BETWEEN DATE '0002-01-02' AND DATE '9998-12-30'", "x > TIMESTAMP '2024-02-29 00:00:00'",
        "UNIX_TIMESTAMP(x)",
        "TO_DATE(x)", "x NOT BETWEEN DATE '2000-01-01' AND DATE '2030-01-01'",
    ],
    "timestamp": [
        "CAST(x AS STRING)", "CAST(x AS DATE)", "TO_DATE(x)", "CAST(x AS TIMESTAMP_NTZ)", "UNIX_TIMESTAMP(x)",
        "CAST(x AS BIGINT)",
        "x = TIMESTAMP '2024-03-31 02:30:00'",
        "x BETWEEN TIMESTAMP '0002-01-02 00:00:00' AND TIMESTAMP '9998-12-30 23:59:59.999999'",
        "x > DATE '2024-02-29'", "DATE_FORMAT(x, 'yyyy-MM')", "DATE_ADD(x, 1)",
        *(f"TO_UTC_TIMESTAMP(x, '{zone}')" for zone in ZONES),
        *(f"FROM_UTC_TIMESTAMP(x, '{zone}')" for zone in ZONES),
        "FROM_UTC_TIMESTAMP(CASE WHEN x > TIMESTAMP '2000-02-01 00:00:00Z' THEN x END, 'Europe/Copenhagen')",
        "TO_UTC_TIMESTAMP(CASE WHEN x > TIMESTAMP '2000-02-01 00:00:00Z' THEN x END, 'Europe/Copenhagen')",
        *(f"TO_DATE(FROM_UTC_TIMESTAMP(x, '{zone}'))" for zone in ZONES),
        "GREATEST(x, TIMESTAMP '2000-01-01 00:00:00Z')",
    ],
    "timestamp_ntz": [
        "CAST(x AS STRING)", "CAST(x AS DATE)", "CAST(x AS TIMESTAMP)", "x > DATE '2024-02-29'",
        "TO_UTC_TIMESTAMP(x, 'Europe/Prague')",
        "CASE WHEN x BETWEEN DATE '0002-01-02' AND DATE '9998-12-30' THEN x END",
        "TO_UTC_TIMESTAMP(CAST(CASE WHEN x < DATE '9998-12-30' THEN x END AS TIMESTAMP), 'Asia/Shanghai')",
    ],
    **{
        kind: [
            "TRY_CAST(x AS INT)", "TRY_CAST(x AS BIGINT)", "CAST(x AS STRING)", "CAST(x AS DOUBLE)",
            "TRY_CAST(x AS DECIMAL(18, 1))",
            "TRY_CAST(x AS DECIMAL(10, 0))", "x = 1", "x = 1.5", "x > CAST(7 AS BIGINT)", "ABS(x)", "- x",
            "CAST(x AS BOOLEAN)",
            "CASE WHEN TRY_CAST(x AS BIGINT) = x THEN TRY_CAST(x AS BIGINT) END",
            "CASE WHEN TRY_CAST(x AS INT) = x THEN TRY_CAST(x AS INT) END", "COALESCE(x, 0)", "GREATEST(x, 0)",
            "CASE WHEN x = 0 THEN FALSE WHEN x = 1 THEN TRUE END",
        ]
        for kind in ("decimal(18,2)", "decimal(22,2)", "decimal(38,18)")
    },
}  # fmt: skip
EXPRESSIONS["decimal(18,2)"] += [
    "x * 100",
    "x + 1",
    "x - x",
    "x * x",
    "100 * x",
    "x + CAST(1 AS BIGINT)",
    "-1 * x",
    "x * 1.5",
    "x < 1e3",
]
EXPRESSIONS["decimal(22,2)"] += ["x + 1", "x * 2"]
