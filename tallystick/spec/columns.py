"""From a group's declaration to its columns, each with what it means and what it is computed from.

The one place that knows which columns a group has and in which order, and so the contract of its feature table, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from tallystick.errors import DeclarationError
from tallystick.spec import names
from tallystick.spec.checks import check_group, value_type
from tallystick.spec.features import Change, Derived, FeatureGroup, Measure, Ratio, Share, ZScore, stems_of
from tallystick.spec.months import Months
from tallystick.spec.ops import SAME, Op
from tallystick.spec.parts import declaring
from tallystick.spec.series import Series, series_of
from tallystick.spec.tables import Column, Retirement, TableContract
from tallystick.spec.windows import CALENDAR_MONTH, MONTH, Window, parse_window


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """One aggregate without its window: an op of a measure for one filter or one value of its category."""

    measure: Measure
    op: Op
    filter: str = ""
    value: str = ""
    old_filter: str = ""

    @property
    def stem(self) -> str:
        """The name that derived features refer to."""
        return names.stem_name(self.measure.name, self.op.token, filter_name=self.filter, value=self.value)

    @property
    def old_stem(self) -> str:
        """The stem before the measure, its filter or both were renamed; empty where nothing was."""
        if not (self.measure.replaces or self.old_filter):
            return ""
        old = self.measure.replaces or self.measure.name
        return names.stem_name(old, self.op.token, filter_name=self.old_filter or self.filter, value=self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One aggregate over one window. ``lag`` 1 is the window before, ``[as_of - 2w, as_of - w)``, and so on.

    Window ``month`` is the last whole calendar month, with ``lag`` 1 the one before.
    """

    stem: str
    window: str
    lag: int = 0

    @property
    def span(self) -> Window:
        """The window as a value."""
        return CALENDAR_MONTH if self.window == MONTH else parse_window(self.window)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureColumn:
    """One feature: its name, type and passport.

    ``type`` is ``int64`` or ``double``, and empty where a column was made without contracts and its type depends on
    them. ``formula`` is ``cell``, ``share``, ``ratio``, ``change``, ``zscore`` or ``months`` (then with a ``series``)
    over ``cells`` in order. ``empty`` is what a customer without rows gets, ``0`` or ``null``. ``replaces`` is the
    column's name before its measure or filter was renamed. From business date ``retired_on`` on it is not computed.
    """

    name: str
    type: str
    group: str
    measure: str
    op: str
    window: str
    filter: str
    value: str
    previous: bool
    formula: str
    cells: tuple[Cell, ...]
    description: str
    reason: str
    sign: int
    pii: str
    owner: str
    permitted_use: str
    empty: str
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None
    series: Series | None = None


def group_bases(group: FeatureGroup) -> dict[str, Base]:
    """Every aggregate of the group by its stem, in declared order."""
    bases: dict[str, Base] = {}
    for measure in group.measures:
        for filter_name, value in _families(group, measure):
            for op in measure.parsed_ops:
                old_filter = group.renamed.get(filter_name, "")
                base = Base(measure=measure, op=op, filter=filter_name, value=value, old_filter=old_filter)
                if base.stem in bases:
                    where = f"{group.where_text}, measure {measure.name}"
                    with declaring("measure", measure.name, is_last=True):
                        raise DeclarationError(f"two measures make {base.stem}", where=where, fix="rename one")
                bases[base.stem] = base
    return bases


def group_columns(
    group: FeatureGroup, contracts: Mapping[str, TableContract] | None = None
) -> tuple[FeatureColumn, ...]:
    """The features of a group in their order: measures as declared, then derived ones; retired ones left out.

    With ``contracts`` the expressions are checked and every type is known. A name made twice is refused.
    """
    return tuple(column for column in _every_column(group, contracts) if column.retired_on is None)


def retired_columns(
    group: FeatureGroup, contracts: Mapping[str, TableContract] | None = None
) -> tuple[FeatureColumn, ...]:
    """The declared features that are retired, today or on a later date: still stored, and computed before that date."""
    return tuple(column for column in _every_column(group, contracts) if column.retired_on is not None)


def group_retirements(group: FeatureGroup) -> tuple[Retirement, ...]:
    """What stands for columns that readers should leave: old names, retired features, and the group's own patterns."""
    return _retirements(group, _every_column(group, None))


def _retirements(group: FeatureGroup, every: Iterable[FeatureColumn]) -> tuple[Retirement, ...]:
    every = list(every)
    renamed = [Retirement(pattern=c.replaces, replaced_by=c.name) for c in every if c.replaces]
    retired = [Retirement(pattern=c.name, retired_on=c.retired_on) for c in every if c.retired_on is not None]
    named = {one.pattern for one in retired}
    patterns = [Retirement(pattern=p, retired_on=day) for p, day in group.retired.items() if p not in named]
    return (*renamed, *retired, *patterns)


def _every_column(group: FeatureGroup, contracts: Mapping[str, TableContract] | None) -> tuple[FeatureColumn, ...]:
    bases = group_bases(group)
    columns = [c for base in bases.values() for c in _base_columns(group, base)]
    for derived in group.derived:
        columns.extend(_derived_columns(group, bases, derived))
    seen: set[str] = set()
    for column in columns:
        names.check_name("feature", column.name, where=group.where_text)
        if column.name in seen:
            kind = column.formula if column.formula in ("share", "months") else "measure"
            where = f"{group.where_text}, {kind} {column.measure}"
            with declaring(kind, column.measure, is_last=True):
                raise DeclarationError(f"two features are called {column.name}", where=where, fix="rename one")
        seen.add(column.name)
    old: dict[str, str] = {}
    for column in columns:
        if column.replaces in seen:
            what = f"{column.name} replaces {column.replaces}, which is declared"
            raise DeclarationError(what, where=group.where_text, fix="remove the old one")
        if column.replaces in old:
            what = f"{column.name} and {old[column.replaces]} both replace {column.replaces}"
            raise DeclarationError(what, where=group.where_text, fix="an old name leads to one new name")
        if column.replaces:
            old[column.replaces] = column.name
    columns = [replace(column, retired_on=_retired_on(group, column)) for column in columns]
    if contracts is None:
        return tuple(columns)
    check_group(group, contracts)
    types = {m: value_type(group, m, contracts) for m in group.measures if m.value}
    return tuple(replace(c, type=c.type or types[bases[c.cells[0].stem].measure]) for c in columns)


def _retired_on(group: FeatureGroup, column: FeatureColumn) -> date | None:
    """The earliest date that is declared for it."""
    days = [day for pattern, day in group.retired.items() if fnmatchcase(column.name, pattern)]
    return min((day for day in (column.retired_on, *days) if day is not None), default=None)


def group_contract(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> TableContract:
    """The contract of ``feature.<group>``: one row per observation of each set.

    Features may be null, since rows can be older than a feature; a row that is written now has every count and sum.
    Retired features that are still declared stand at the end.
    """
    technical = (
        Column(name="observations", type="string", required=True, description="The set of observations"),
        Column(name="source", type="string", required=True, description="The supplier"),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer"),
        Column(name="period", type="string", required=True, description="Year or month of as_of"),
        Column(name="observation_id", type="string", filled=True, pii="pseudonymous",
               description="The observation's own key: an application, a loan, a customer, as the set declares"),
        Column(name="customer_id", type="string", required=True, description="The customer", pii="pseudonymous"),
        Column(name="as_of", type="timestamp", required=True, description="The instant of the observation, UTC"),
    )  # fmt: skip
    every = sorted(_every_column(group, contracts), key=lambda c: c.retired_on is not None)
    features = tuple(
        Column(name=c.name, type=c.type, description=c.description, pii=c.pii,
               filled=c.empty == "0" and c.retired_on is None)
        for c in every
    )  # fmt: skip
    return TableContract(
        name=group.feature_table,
        description=group.description or f"Features of {group.table}",
        grain="one row per set of observations, observation and as_of",
        owner=group.owner,
        columns=(*technical, *features),
        key=("source", "observations", "observation_id", "as_of"),
        partition_by=("observations", "source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "observation_id"),
        entity="customer_id",
        derived_from=tuple(dict.fromkeys((group.table, *(lookup.table for lookup in group.lookups)))),
        retired=_retirements(group, every),
        path=group.path,
    )


def _families(group: FeatureGroup, measure: Measure) -> Iterator[tuple[str, str]]:
    if measure.by:
        for value in group.by[measure.by]:
            yield "", names.value_name(value)
        yield "", names.OTHER
        return
    for filter_name in measure.filter_names:
        yield filter_name, ""


def _base_columns(group: FeatureGroup, base: Base) -> Iterator[FeatureColumn]:
    for window in group.windows_of(base.measure):
        lags = (0, 1) if base.measure.previous and not window.is_all else (0,)
        for lag in lags:
            name = names.feature_name(group.name, base.stem, window.text, previous=lag == 1)
            old = names.feature_name(group.name, base.old_stem, window.text, previous=lag == 1) if base.old_stem else ""
            cell = Cell(stem=base.stem, window=window.text, lag=lag)
            column = _base_column(group, base, name=name, cell=cell)
            yield replace(column, replaces=old, retired_on=base.measure.retired_on)


def _base_column(group: FeatureGroup, base: Base, *, name: str, cell: Cell) -> FeatureColumn:
    rule = base.op.rule
    window = cell.span
    measure = base.measure
    return FeatureColumn(
        name=name,
        type="" if rule.gives == SAME else rule.gives,
        group=group.name,
        measure=measure.name,
        op=base.op.token,
        window=cell.window,
        filter=base.filter,
        value=base.value,
        previous=cell.lag == 1,
        formula="cell",
        cells=(cell,),
        description=_fill(group, measure.description or _described(base), base, _window_words(window, lag=cell.lag)),
        reason=_fill(group, measure.reason, base, _window_words(window, lag=cell.lag)),
        sign=measure.sign,
        pii=measure.pii or group.pii,
        owner=group.owner,
        permitted_use=group.permitted_use,
        empty=rule.empty,
    )


def _derived_columns(group: FeatureGroup, bases: Mapping[str, Base], derived: Derived) -> Iterator[FeatureColumn]:
    if isinstance(derived, Share):
        base = _base(group, bases, derived.a)
        _base(group, bases, derived.b)
        for text in derived.windows or tuple(w.text for w in group.windows_of(base.measure)):
            cells = (Cell(stem=derived.a, window=text), Cell(stem=derived.b, window=text))
            name = names.share_name(group.name, derived.name, text)
            old = names.share_name(group.name, derived.replaces, text) if derived.replaces else ""
            yield replace(_derived_column(group, base, derived, name=name, cells=cells), replaces=old)
        return
    if isinstance(derived, Months):
        with declaring("months", derived.name):
            yield from _month_columns(group, bases, derived)
        return
    for stem in stems_of(derived.of):
        base = _base(group, bases, stem)
        if isinstance(derived, Ratio):
            cells = (Cell(stem=stem, window=derived.window), Cell(stem=stem, window=derived.against))
            made, old = (
                names.ratio_name(group.name, text, derived.window, derived.against) if text else ""
                for text in (stem, base.old_stem)
            )
            yield replace(_derived_column(group, base, derived, name=made, cells=cells), replaces=old)
            continue
        count = derived.k if isinstance(derived, ZScore) else 1
        for text in derived.windows or tuple(w.text for w in group.windows_of(base.measure) if not w.is_all):
            lags = tuple(Cell(stem=stem, window=text, lag=lag) for lag in range(count + 1))
            make = names.zscore_name if isinstance(derived, ZScore) else names.change_name
            column = _derived_column(group, base, derived, name=make(group.name, stem, text), cells=lags)
            yield replace(column, replaces=make(group.name, base.old_stem, text) if base.old_stem else "")


def _month_columns(group: FeatureGroup, bases: Mapping[str, Base], derived: Months) -> Iterator[FeatureColumn]:
    # Whole numbers and doubles mix freely, so a type that only contracts know changes nothing here.
    for series in series_of(derived, dict.fromkeys(bases, "double"), where=group.where_text):
        cells = tuple(Cell(stem=stem, window=MONTH, lag=lag) for stem in series.stems for lag in range(series.length))
        name, old = (
            names.months_name(group.name, text, op=series.op, window=series.window) if text else ""
            for text in (derived.name, derived.replaces)
        )
        base, rule = bases[series.stems[0]], series.rule
        words = "the last whole month" if series.months == 1 else f"the last {series.months} whole months"
        told = derived.description or f"{rule.words}, of {derived.value}, over {{window}}"
        yield replace(
            _derived_column(group, base, derived, name=name, cells=cells),
            type=rule.gives,
            op=series.op,
            window=series.window,
            description=_fill(group, told, base, words),
            reason=_fill(group, derived.reason or base.measure.reason, base, words),
            empty="0" if rule.gives == "int64" else "null",
            replaces=old,
            series=series,
        )


def _derived_column(
    group: FeatureGroup, base: Base, derived: Derived, *, name: str, cells: tuple[Cell, ...]
) -> FeatureColumn:
    formula = type(derived).__name__.lower()
    column = _base_column(group, base, name=name, cell=cells[0])
    words = _window_words(cells[0].span, lag=0)
    texts = {cell.window: None for cell in cells}
    return replace(
        column,
        type="double",
        measure=derived.name if isinstance(derived, (Share, Months)) else column.measure,
        op=formula,
        window="_".join(texts),
        formula=formula,
        cells=cells,
        description=_fill(group, derived.description or _derived_words(derived, cells, column), base, words),
        reason=_fill(group, derived.reason, base, words) or column.reason,
        sign=derived.sign,
        empty="null",
        version=derived.version,
        retired_on=derived.retired_on,
    )


def _base(group: FeatureGroup, bases: Mapping[str, Base], stem: str) -> Base:
    if stem not in bases:
        what, fix = f"derived feature names unknown {stem}", names.nearest_name(stem, bases)
        raise DeclarationError(what, where=group.where_text, fix=fix, texts=(stem,))
    return bases[stem]


def _window_words(window: Window, *, lag: int) -> str:
    return f"{window.words} before that" if lag else window.words


def _described(base: Base) -> str:
    of = f" of {base.measure.value}" if base.op.rule.takes != "none" else ""
    kept = f" where {base.measure.where}" if base.measure.where else ""
    narrowed = ", {filter} only" if base.filter or base.value else ""
    of += f" per {base.measure.each}" if base.measure.each else ""
    return f"{base.op.words}{of}{kept}{narrowed}, over {{window}}"


def _derived_words(derived: Derived, cells: tuple[Cell, ...], column: FeatureColumn) -> str:
    if isinstance(derived, Share):
        return f"{derived.a} as a share of {derived.b}, over {{window}}"
    if isinstance(derived, Ratio):
        against = parse_window(derived.against).words
        return f"{cells[0].stem} per day over {{window}} against {against}"
    if isinstance(derived, Months):
        return derived.value
    if isinstance(derived, Change):
        return f"relative change of {cells[0].stem} over {{window}} against the same span before"
    return f"{cells[0].stem} over {{window}} in standard deviations from the {derived.k} such windows before"


def _fill(group: FeatureGroup, text: str, base: Base, window: str) -> str:
    """Words for the placeholders; not str.format, because an expression in the text may hold braces of its own."""
    part = base.filter or base.value
    words = group.words.get(part, part.replace("_", " ")) or "all kinds"
    return text.replace("{filter}", words).replace("{window}", window)
