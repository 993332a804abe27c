"""What docs/features.md says of features in general: how they are declared, computed and changed.

Kept apart from ``feature_page``, which prints what is declared, because these texts only need to be read.
"""

from __future__ import annotations

from tallystick.project.vocabulary_guide import VOCABULARY

COMMAND = ".venv/bin/python -m tallystick.project.feature_page > docs/features.md"

INTRO = f"""# Features

This page is printed from `features/*.py`: run `{COMMAND}` in the
project's folder. A test fails when the page is out of date. `tally` is `.venv/bin/tally`, run in the project's folder.

`tally features show NAME` prints a feature's passport: all that is declared of it.
`tally features explain NAME --as-of 2026-03-10` also prints the edges of its windows and the SQL that computes it.

A feature is computed for an *observation*: a customer, application, loan or transfer at an instant `as_of`
([observation sets](observations.md)). A row counts only if it happened before `as_of` and was known on its business
date. Of the versions of a row that are known on this date, the one delivered last counts ([windows](windows.md)).

## How to declare

```python
from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share, ZScore

SPENDING = FeatureGroup(
    name="spending",
    table="clean.transactions",
    owner="credit-risk",
    windows=("7d", "30d", "3m", "all"),  # days, months, or all history; also minutes and hours: "10min", "24h"
    where="direction = 'out'",  # holds for every measure
    filters={{"cash": "channel = 'cash'", "night": "HOUR(event_at) < 6"}},
    by={{"category": ("food", "rent")}},  # a category and its declared values
    measures=(
        # 2 ops x 3 (all, cash, night) x 4 windows = 24 columns: spending_out_sum_7d, spending_out_cash_sum_7d, ...
        Measure(
            name="out",
            value="amount_minor",
            ops="count sum",
            filters=("cash", "night"),
            unfiltered=True,
            reason="Spending on {{filter}} in {{window}}",
        ),
        # One column per declared value and one for all others: spending_kind_food_sum_7d, spending_kind_other_sum_7d
        Measure(name="kind", value="amount_minor", ops="sum", by="category", reason="Spending by kind"),
        # Also the window before each window: spending_big_max_7d_prev = [as_of - 14d, as_of - 7d)
        Measure(name="big", value="amount_minor", ops="max quantile(0.9) last_3", previous=True, reason="Large sums"),
        # An expression as value, a condition and windows of its own
        Measure(
            name="net",
            value="CASE WHEN category = 'refund' THEN -amount_minor ELSE amount_minor END",
            where="amount_minor > 0",
            windows=("3m",),
            ops="sum slope",
            reason="Trend of spending",
        ),
    ),
    derived=(
        Share(name="cash", a="out_cash_sum", b="out_sum"),  # spending_cash_share_7d = a / b
        Ratio(of="out_sum", window="7d", against="3m"),  # per day in 7d / per day in 3m
        Change(of="out_sum", windows=("30d",)),  # (now - before) / |before|
        ZScore(of="out_count", windows=("7d",), k=4),  # against the customer's own 4 weeks before
    ),
)
```

The names of the columns are built from the declaration: `<group>_<measure>[_<filter or value>]_<op>_<window>[_prev]`.
`value` and `where` are SQL expressions. They can use columns of the table and of its lookups, comparisons, AND, OR,
NOT, IN, BETWEEN, LIKE, IS NULL, `+ - * /`, ABS, COALESCE, CASE and parts of dates in local time (HOUR, ISODOW, MONTH,
...). `a / b` is a double, also of whole numbers, and null where b is 0 or null. `tally check` reports a mistake with
its line and the nearest valid name.

{VOCABULARY}## Lookup

A `Lookup` joins columns of another table to the rows of the group's table. `value`, `where`, filters and `by` can read
them like columns of the table itself:

```python
from tallystick.spec.features import FeatureGroup, Lookup, Measure

HOMES = FeatureGroup(
    name="homes",
    table="clean.customers",
    owner="credit-risk",
    windows=("all",),
    lookups=(Lookup(table="clean.regions", on="region_id", columns=("unemployment_percent",)),),
    measures=(Measure(name="unemployment", value="unemployment_percent", ops="last", reason="Your region"),),
)
```

- `on` is a column of both tables. In the other table it is the event id, or the `lookupKey` of the contract if several
  events describe one object (`customProperties: - {{property: lookupKey, value: region_code}}`).
- A lookup finds only rows that were visible at `as_of` ([windows](windows.md)): the version in force on the date of
  `as_of`, not retracted, with `event_at` before `as_of`.
- If several events of one object are visible, the latest by `event_at` counts, then the one delivered last. So a late
  correction of an older event does not replace a newer event.
- If no row is found, or `on` is null, the columns are null.
- Two sources can use the same code. A lookup finds only rows of the customer's own source.
- A table with a customer in each row can be looked up only by `on="customer_id"`, which must be its event id or
  `lookupKey`, as in `clean.customers`. Rows of other customers are in other buckets.

`tally check` reports a lookup that breaks these rules.

## Between the rows of two tables

`among` lays rows of other tables among the group's own, in the order of time. LAG and LAST_VALUE see them; no measure
counts them. `row_of` says which table a row is of.

```python
from tallystick.spec.among import Among
from tallystick.spec.features import FeatureGroup, Measure

MESSAGE = "direction = 'out'"
# The last of the customer's messages and group messages before this row was one in the group.
IS_NEXT = (
    f"{{MESSAGE}} AND LAST_VALUE(LAG(CASE WHEN row_of = 'group_messages' OR {{MESSAGE}} THEN row_of END) IGNORE NULLS)"
    " = 'group_messages'"
)
SINCE = "EPOCH(event_at) - LAST_VALUE(CASE WHEN row_of = 'group_messages' THEN EPOCH(event_at) END IGNORE NULLS)"

ANSWERS = FeatureGroup(
    name="answers",
    table="clean.social_events",
    owner="credit-risk",
    windows=("28d",),
    among=(Among(table="clean.group_messages", where="group_kind = 'work'"),),
    measures=(
        # Seconds from a message in the work group to the customer's next message, whatever was received meanwhile
        Measure(name="wait", value=SINCE, where=IS_NEXT, ops="count mean quantile(0.5)", reason="Your contacts"),
        # The same where nothing at all came between
        Measure(
            name="next",
            value="EPOCH(event_at) - EPOCH(LAG(event_at))",
            where=f"{{MESSAGE}} AND LAG(row_of) = 'group_messages'",
            ops="min",
            reason="Your contacts",
        ),
    ),
)
```

- The rows are those of the same customer that the observation sees, each by the rule of its own table: before `as_of`,
  known on its date, in the version in force, not retracted. `where` holds for the version in force; null does not hold.
- At one instant the other table's rows stand before the group's own, so an answer in the same second took 0 seconds.
  Of two rows of other tables at one instant the one with the smaller event id comes first.
- Of the other table's rows `event_at` and `row_of` are known; all other columns are null.
- `row_of` is the table's name without its layer: `social_events` for the group's own rows here.
- A group with `among` has no `per`, and no operation that looks at whole days (`slope`, `longest_streak`, shifts).

## Several tables

A group reads one table. `Combined` is SQL over features, by their full names: those of the group, of the groups
`beside` it, which may read other tables, and of the combined ones declared before.

```python
from tallystick.spec.combined import Combined
from tallystick.spec.features import FeatureGroup, Measure

CALLS = FeatureGroup(
    name="calls",
    table="clean.social_events",
    owner="credit-risk",
    windows=("30d",),
    measures=(Measure(name="made", where="direction = 'out'", ops="count", reason="Calls"),),
)
CONTACT = FeatureGroup(
    name="contact",
    table="clean.transactions",
    owner="credit-risk",
    windows=("30d",),
    measures=(Measure(name="paid", ops="count", where="direction = 'out'", reason="Payments"),),
    beside=(CALLS,),
    combined=(
        Combined(
            name="payments_per_call",
            value="contact_paid_count_30d / calls_made_count_30d",
            description="Payments for each message and call; null without any",
            reason="Payments",
        ),
        Combined(
            name="is_silent",  # contact_is_silent: 1 or 0
            value="contact_paid_count_30d = 0 AND calls_made_count_30d = 0",
            description="1 where neither payments nor calls were made",
            reason="Contact",
        ),
    ),
)
```

- The groups are computed for the same observations, each as it is known at `as_of`. Nothing else is joined.
- A condition becomes 1 or 0, and null where it is null. A text or a date is no feature.
- The table of the group has its own columns and the combined ones. The groups beside it are stored if they are declared
  under a name of their own, and computed, like any other.
- A stored column becomes stale when a feature that it reads changes.

## How to compute

| for | command |
|---|---|
| all customers on a date | `tally features compute GROUP --source S --as-of 2026-03-10` |
| a declared set | `tally features compute GROUP --source S --observations book` |
| a training set of your own | `tally features compute GROUP --source S --observations FILE --name SET` |
| one customer, in Python | `tallystick.compute_vector(events, as_of, "GROUP")` |

All give the same numbers. `FILE` is a Parquet or CSV file, or a table as `layer.table`. It has the columns
`customer_id` and `as_of`, unless a set of kind `Given` declares others. `as_of` is an instant with its offset, or a
date, which stands for its local midnight. Each pair is computed once, also for a customer without rows. The rows are in
`feature.<group>` with `observations = 'SET'`. [Observation sets](observations.md) describes these sets, and how a group
counts the rows of one loan alone (`per`).

```python
import datetime as dt

import tallystick

events = []  # the customer's rows of the group's table: dictionaries or an Arrow table, in any order
vector = tallystick.compute_vector(events, dt.date(2026, 3, 10), "transactions", zone="Asia/Shanghai")
assert vector["transactions_debit_count_30d"] == 0
assert vector["transactions_debit_mean_30d"] is None
```

## How to change a stored feature

| change | declare |
|---|---|
| a new feature | its measure; `tally features backfill GROUP` computes the days that lack it |
| another meaning | the new declaration; if no text changes, a raised `version`. Only its own columns are then stale |
| another name | `replaces="the measure's old name"`; a reader of the old column gets a message with the new name |
| another name of a filter | the group's `renamed={{"new": "old"}}`, for all its measures at once |
| the end of a feature | `retired_on=date(2026, 7, 1)`, or of many columns the group's\
 `retired={{"txn_*_7d": date(2026, 7, 1)}}` |

`tally features retired` lists retired and renamed columns, and the models that still read them.
[Why columns keep their place](adr/0006-a-column-keeps-its-place-and-says-what-became-of-it.md).

## Operations

An operation is computed over the visible rows of the window for which `where` and the filter are true.

| op | takes | gives | of nothing | is |
|---|---|---|---|---|
"""

DERIVED = """
| derived | is | null |
|---|---|---|
| `Share(a, b)` | a / b in the same window | b is null or 0 |
| `Ratio(of, window, against)` | rate per day in one window / rate per day in the other; a month has its real days |\
 the other rate is null or 0 |
| `Ratio(of, window, against, apart=True)` | the same, with the other window ending where the first begins: the last\
 21 days against the 56 days before them | the other rate is null or 0 |
| `Distance(name, a, b)` | kilometres between two places, each a latitude and a longitude; without `b` from where `a`\
 was in the window before | a place is not known |
| `Gyration(name, latitude, longitude)` | kilometres: root mean square distance from the mean place | no row has a\
 place |
| `Change(of)` | (now - before) / abs(before), before being the window before | before is null or 0 |
| `Months(value, ops, windows)` | an operation over the values of whole calendar months | no month has a value |
| `ZScore(of, k)` | (now - mean) / sample standard deviation of the k windows before |\
 fewer than 3 have a value, or all are equal |

Operations of `Months` ([calendar months](#calendar-months)), over the months of `windows`:

| op | of a | gives | is |
|---|---|---|---|
{months}

Counts and sums of no rows are 0; statistics of no rows are null. Sums of whole numbers are exact, and a sum that does
not fit int64 is an error. Money is in whole minor units. Sums of doubles, and features made of them, have the rounding
of doubles. `slope` and `longest_streak` use only the whole business days of the window: with an `as_of` inside a day,
the parts of a day at both edges are left out.
"""
