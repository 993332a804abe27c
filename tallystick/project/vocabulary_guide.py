"""What docs/features.md says of the vocabulary beyond single operations: rows before, sums, windows compared, shifts,
most frequent values, calendar months.

Kept apart from ``feature_guide``, which says how features are declared, computed and changed.
"""

from __future__ import annotations

VOCABULARY = """## The row before

`LAG(x)` is the value of `x` in the customer's row before, `LAG(x, 2)` in the one before that, and null where there is
none:

| to declare | `value` or `where` |
|---|---|
| the change of the balance since the last booking | `balance_minor - LAG(balance_minor)` |
| the same, account by account | `balance_minor - LAG(balance_minor) OVER (PARTITION BY account_id)` |
| bookings at night that follow another one at night | `HOUR(event_at) < 6 AND HOUR(LAG(event_at)) < 6` |
| seconds since the customer's row before | `EPOCH(event_at) - EPOCH(LAG(event_at))` |
| seconds until the customer answers a person, from what that person sent last | `value` as above with\
 `OVER (PARTITION BY counterpart_id)`, `where="direction = 'out' AND LAG(direction) OVER (PARTITION BY counterpart_id)\
 = 'in'"` |
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
- Window `all` has no window before it and is refused. Days go with a base in days, months with one in months,
  minutes and hours with one in either.

## The largest shift

Three operations look for the day on which the level of a measure changed most: work messages that stop, spending that
doubles. They look at the totals of the window's whole business days; a day without rows is 0.

| to declare | |
|---|---|
| days since the working-day messages changed their level | `value="1", ops="shift_days(5)", weekdays=(1, 2, 3, 4, 5)` |
| the change against the mean of the days before: -1 where all stopped | `ops="shift_size(5)"` |
| how much of the series the shift explains: 1 is a clean step, near 0 is noise | `ops="shift_share(5)"` |

- Of `n` days with totals `y` and mean `m`, the shift comes after the `k` days for which
  `sqrt(n / (k * (n - k))) * abs(sum of the first k y - k * m)` is largest: the statistic of binary segmentation
  (Scott and Knott 1974; Fryzlewicz, Annals of Statistics 42(6), 2014), by which two levels fit the series best.
- `shift_days` are the days from the first day of the new level to the date of `as_of`. `shift_size` is the mean after
  the shift less the mean before, over the absolute mean before; null where that is 0. `shift_share` is the part of the
  squared deviations from `m` that goes when each side has its own mean.
- `(5)` asks for 5 days or more on either side; without it one day is enough, and one outlier can be a shift. Where
  several days are equally good, to a billionth, the latest one counts.
- The series begins with the window, or on the day of the customer's first visible row of the table if that is later: a
  new customer has not risen from nothing. With `weekdays` (Monday is 1) it has only these days, and rows on other days
  are left out. A part of a day at the edge is left out, as for `slope`.
- All three are null where there are fewer than twice the days asked for, or where no day parts them into two levels.

The customer's level of now against the level before is a ratio of two windows that do not overlap:
`Ratio(of="sent_count", window="21d", against="56d", apart=True)` is the rate per day of the last 21 days over that of
the 56 days before them. Windows of whole weeks have the same share of working days.

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
    filters={"night": "HOUR(event_at) < 6", "work": "ISODOW(event_at) < 6 AND HOUR(event_at) BETWEEN 9 AND 17"},
    measures=(
        # The cell of most nights, and of most working hours: places_latitude_night_last_28d, ...
        *(
            Measure(name=name, value=f"cell_{name}", top="cell_id", ops="last", filters=TIMES, reason="Home")
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
            description="Months with less paid than due, in {window}",
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
- `LAST_VALUE(balance_last IGNORE NULLS)` is the last value that is not null, of the month itself or a month before. It
  looks back to the first month of the window (and the months before it that a LAG asks for), not further.
- Where a condition is null, it is not true, and a streak ends. `mean`, `std`, `min` and `max` leave null months out.

"""
