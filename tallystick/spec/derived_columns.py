"""The columns that derived features make, and the passport that a column has from its aggregate.

Kept apart from ``columns``, which puts a group's columns in order and checks them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tallystick.errors import DeclarationError
from tallystick.spec import names
from tallystick.spec.bases import Base, Cell, FeatureColumn
from tallystick.spec.features import Change, Derived, FeatureGroup, Ratio, Share, ZScore, stems_of
from tallystick.spec.geography import Distance, Gyration
from tallystick.spec.months import Months
from tallystick.spec.ops import SAME
from tallystick.spec.parts import declaring
from tallystick.spec.series import series_of
from tallystick.spec.windows import MONTH, Window, parse_window

# Derived features that have a name of their own; the others are called after what they are made of.
_NAMED = (Share, Months, Distance, Gyration)


def aggregate_columns(group: FeatureGroup, base: Base) -> Iterator[FeatureColumn]:
    """The columns of one aggregate: its windows, and the window before each where the measure says so."""
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


def derived_columns(group: FeatureGroup, bases: Mapping[str, Base], derived: Derived) -> Iterator[FeatureColumn]:
    """The columns of one derived feature; DeclarationError where it names no aggregate of the group."""
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
    if isinstance(derived, (Distance, Gyration)):
        with declaring(type(derived).__name__.lower(), derived.name):
            yield from _place_columns(group, bases, derived)
        return
    for stem in stems_of(derived.of):
        base = _base(group, bases, stem)
        if isinstance(derived, Ratio):
            after = derived.window if derived.apart else ""
            cells = (Cell(stem=stem, window=derived.window), Cell(stem=stem, window=derived.against, after=after))
            made, old = (
                names.ratio_name(group.name, text, derived.window, derived.against, apart=derived.apart) if text else ""
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


def _place_columns(
    group: FeatureGroup, bases: Mapping[str, Base], derived: Distance | Gyration
) -> Iterator[FeatureColumn]:
    stems, kind = derived.stems, type(derived).__name__.lower()
    first, *_ = [_base(group, bases, stem) for stem in stems]
    is_move = isinstance(derived, Distance) and not derived.b
    for text in derived.windows or tuple(w.text for w in group.windows_of(first.measure) if not (is_move and w.is_all)):
        lags = (0, 0, 1, 1) if is_move else (0,) * len(stems)
        cells = tuple(Cell(stem=stem, window=text, lag=lag) for stem, lag in zip(stems, lags, strict=True))
        made, old = (
            names.place_name(group.name, name, text, kind=kind) if name else ""
            for name in (derived.name, derived.replaces)
        )
        yield replace(_derived_column(group, first, derived, name=made, cells=cells), replaces=old)


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
        measure=derived.name if isinstance(derived, _NAMED) else column.measure,
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
    of += f" on weekdays {', '.join(map(str, sorted(base.measure.weekdays)))}" if base.measure.weekdays else ""
    of += f" at the most frequent {base.measure.top}" if base.measure.top else ""
    return f"{base.op.words}{of}{kept}{narrowed}, over {{window}}"


def _derived_words(derived: Derived, cells: tuple[Cell, ...], column: FeatureColumn) -> str:
    if isinstance(derived, Share):
        return f"{derived.a} as a share of {derived.b}, over {{window}}"
    if isinstance(derived, Ratio):
        against = parse_window(derived.against).words
        return f"{cells[0].stem} per day over {{window}} against {against}" + (" before that" if derived.apart else "")
    if isinstance(derived, Gyration):
        return f"radius of gyration of {derived.latitude} and {derived.longitude} over {{window}}, in kilometres"
    if isinstance(derived, Distance):
        other = derived.b[0] if derived.b else "what it was in the window before"
        return f"distance of {derived.a[0]} from {other} over {{window}}, in kilometres"
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
