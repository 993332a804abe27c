"""What docs/features.md says of features in general: how they are declared, computed and changed.

Kept apart from ``feature_page``, which prints what is declared, because these texts only need to be read.
"""

from __future__ import annotations

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
    windows=("7d", "30d", "3m", "all"),  # days, months, or all history
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

## The row before

`LAG(x)` is the value of `x` in the customer's row before, `LAG(x, 2)` in the one before that, and null where there is
none:

| to declare | `value` or `where` |
|---|---|
| the change of the balance since the last booking | `balance_minor - LAG(balance_minor)` |
| the same, account by account | `balance_minor - LAG(balance_minor) OVER (PARTITION BY account_id)` |
| bookings at night that follow another one at night | `HOUR(event_at) < 6 AND HOUR(LAG(event_at)) < 6` |
| seconds since the customer's row before | `EPOCH(event_at) - EPOCH(LAG(event_at))` |
| what the balance was last known to be | `LAST_VALUE(balance_minor IGNORE NULLS)` |
| the message that a conversation began with, for each message of it | `LAST_VALUE(CASE WHEN LAG(event_at) IS NULL OR\
 EPOCH(event_at) - EPOCH(LAG(event_at)) >= 3600 THEN social_event_id END IGNORE NULLS)` |

- The rows are those of the table that the observation sees, in a group with `per` those of its loan. `where`, filters
  and windows do not matter: the row before may lie before the window.
- They are ordered by `event_at`, at one instant by the table's `sequence` (null last), then by the event id.
- With `PARTITION BY` the row before is the last one that has the same values in these columns. Null is a value here.
- A row before whose `x` is null gives null; it is not passed over.
- `LAST_VALUE(x IGNORE NULLS)` is the last `x` that is not null, of the row itself or a row before it, and null where
  there is none. It takes `PARTITION BY`, too. A LAG can be inside, another LAST_VALUE cannot.
- `EPOCH(event_at)` is the seconds since 1970, a double. A difference of two is the time between them, also where the
  clock is changed.

## Sums first: `each`

With `each`, an SQL expression, the value is first summed for each value of it in the window; the operation then looks
at these sums:

| to declare | |
|---|---|
| messages per contact, on average | `value="1", each="counterpart_id", ops="mean"` |
| how few contacts make up 80 % of the calling time | `value="duration_seconds", each="counterpart_id",\
 ops="pareto(0.8)"` |
| the largest total with one payee | `value="amount_minor", each="payee_id", ops="max"` |

Rows where `each` or the value is null are left out. `each` goes with `mean`, `std`, `std_pop`, `min`, `max`,
`quantile` and `pareto`.

## Compared with the window before

Some operations compare the values of a window with those of the window before it, `[as_of - 2w, as_of - w)`. With
`base` the window before has another length: `base="56d"` is `[as_of - w - 56d, as_of - w)`, and `base="all"` is
everything before the window.

| to declare | |
|---|---|
| the share of last month's contacts that are contacts again | `value="counterpart_id", ops="kept_share"` |
| topics, devices or places that were never there before | `value="topic", ops="new", base="all"` |
| how alike two weekly rhythms are | `value="ISODOW(event_at) * 24 + HOUR(event_at)", ops="similarity"` |
| the share of contact in the customer's usual hours | `value="HOUR(event_at)", ops="usual_share", base="84d"` |
| whether the most frequent place stays the same | `value="cell_id", where="HOUR(event_at) < 6", ops="top_kept"` |

With `n` rows in the window and `m` rows in the window before that have a value:

- `kept`, `new` and `lost` are numbers of values: in both windows, in the window only, in the window before only.
  `kept_share` is `kept` over the values of the window before, `new_share` is `new` over those of the window, `jaccard`
  is `kept` over the values of either.
- `similarity` is the cosine of the counts, `sum(n * m) / sqrt(sum(n * n) * sum(m * m))`: 1 where the windows have the
  same values in the same proportions, 0 where they share none.
- `usual_share` is the share of the window's rows with a usual value. A value is usual if it is at least as frequent in
  the window before as the values there are on average.
- `top_kept` is 1 where the most frequent value of both windows is the same, else 0; `old_top_share` is the share of the
  window's rows that have the most frequent value of the window before. Of equally frequent values the one that was seen
  last counts.
- Null is no value. `kept`, `new` and `lost` of nothing are 0; a share is null where there is nothing to take it of, and
  `similarity`, `usual_share`, `top_kept` and `old_top_share` are null where one of the windows has no value.
- Window `all` has no window before it and is refused. Days go with a base in days, months with one in months.

## The most frequent value: `top`

With `top`, an SQL expression, only those rows of the window count that have the most frequent value of it: the place of
most nights, the number that is called most. Of equally frequent values the one that was seen last counts; rows where
`top` is null are left out. `top` goes with `count`, `sum`, `mean`, `min`, `max`, `first`, `last`, `active_days`,
`days_since_first` and `days_since_last`.

Places are cells of a grid with the coordinates of their centre. `Distance` is the way between two of them along the
great circle, or from where the first one was in the window before; `Gyration` is the root mean square of the distances
of the rows from their mean place. Both are in kilometres.

```python
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.geography import Distance, Gyration

TIMES = ("night", "work")

PLACES = FeatureGroup(
    name="places",
    table="clean.location_events",
    owner="credit-risk",
    windows=("28d", "84d"),
    filters={{"night": "HOUR(event_at) < 6", "work": "ISODOW(event_at) < 6 AND HOUR(event_at) BETWEEN 9 AND 17"}},
    measures=(
        # The cell of most nights, and of most working hours: places_latitude_night_last_28d, ...
        *(
            Measure(name=name, value=f"cell_{{name}}", top="cell_id", ops="last", filters=TIMES, reason="Home")
            for name in ("latitude", "longitude")
        ),
        # How sure that is, and whether it is the place of the window before
        Measure(name="cell", value="cell_id", ops="top_share top_kept", filters=("night",), reason="Home"),
        Measure(name="north", value="cell_latitude", ops="mean std_pop", reason="Where you move about"),
        Measure(name="east", value="cell_longitude", ops="std_pop", reason="Where you move about"),
    ),
    derived=(
        Distance(  # from home to work: places_way_distance_28d
            name="way",
            a=("latitude_night_last", "longitude_night_last"),
            b=("latitude_work_last", "longitude_work_last"),
        ),
        Distance(name="move", a=("latitude_night_last", "longitude_night_last")),  # from the home of the window before
        Gyration(name="about", latitude="north", longitude="east"),  # places_about_gyration_28d
    ),
)
```

## Calendar months

`Months` computes a value for each of the last whole calendar months, and then an operation over them. `value` is SQL
over *stems*: a stem is a measure with its filter and operation, without group and window, such as `due_sum`.

```python
from tallystick.spec.features import FeatureGroup, Measure, Share
from tallystick.spec.months import Months

STATEMENTS = FeatureGroup(
    name="statements",
    table="clean.statements",
    owner="credit-risk",
    windows=("12m",),
    measures=(
        Measure(name="due", value="due_minor", ops="sum", reason="What was due"),
        Measure(name="paid", value="paid_minor", ops="sum", reason="What was paid"),
    ),
    derived=(
        Share(name="paid", a="paid_sum", b="due_sum", sign=-1),  # paid over due: statements_paid_share_12m
        # Months in a row in which something was due and less was paid: statements_missed_months_longest_streak_12m, ...
        Months(
            name="missed",
            value="due_sum > 0 AND paid_sum < due_sum",
            ops="longest_streak current_streak count",
            windows=("6m", "12m"),
            sign=1,
            description="Months with less paid than due, in {{window}}",
            reason="Payments missed month after month",
        ),
        # What was paid in the last whole month, against the month before: statements_step_months_last_1m
        Months(name="step", value="paid_sum / LAG(paid_sum)", ops="last", windows=("1m",)),
    ),
)
```

- A month begins and ends at local midnights of the business zone. The month that contains `as_of` is not over and is
  left out: on 15 March and on 31 March the last whole month is February, from the first instant of April on it is March
  ([windows](windows.md#whole-calendar-months)). `12m` of a measure are other months: those before `as_of`, day by day.
- A row counts in the month of its `event_at`, if the observation sees it. So a payment that becomes known late does not
  count before.
- A month without rows has what its stems give of nothing: 0 for counts and sums, null for other operations. To have it
  otherwise, say so: `COALESCE(balance_mean, 0)`, or `CASE WHEN paid_count > 0 THEN paid_sum END`. Months before the
  customer's first row are months without rows.
- `LAG(paid_sum)` is `paid_sum` in the month before, `LAG(paid_sum, 2)` two months before; also for the first month of
  the window, since the months before it are computed for this.
- Where a condition is null, it is not true, and a streak ends. `mean`, `std`, `min` and `max` leave null months out.

## Lookup

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
