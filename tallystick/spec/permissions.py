"""Which features a recipe may use: those permitted for its use, and protected ones only where it says why.

Apart from the checks of a recipe's names because training and scoring ask it too, and must not decide otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.spec.bases import FeatureColumn, group_bases
from tallystick.spec.columns import features_read, group_columns
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.names import nearest_name
from tallystick.spec.uses import split_uses

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup, Measure
    from tallystick.spec.observations import ObservationSet
    from tallystick.spec.recipes import Recipe, RequestFeature
    from tallystick.spec.tables import TableContract

_WORD = re.compile(r"\w+")

# Fields of a measure that say nothing of what it is computed from.
_ABOUT = {"name", "description", "reason", "pii", "permitted_use", "replaces"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Concern:
    """Why a feature may not be used as it is, in words, and whether the recipe can allow it with a reason."""

    what: str
    can_be_allowed: bool
    owner: str = ""


def is_left_out(recipe: Recipe, feature: str) -> bool:
    """Whether the recipe leaves this feature of its groups out."""
    return any(fnmatchcase(feature, pattern) for pattern in recipe.leave_out)


def protected_sources(
    group: FeatureGroup, column: FeatureColumn, contracts: Mapping[str, TableContract]
) -> tuple[str, ...]:
    """The protected columns that a feature is made of, as ``layer.table.column``; empty for most features.

    A column counts as read where its name is a word of the declaration: in the value, a condition, a filter, a
    category, the time of the event, or on either side of a lookup, in any of the aggregates that a derived feature is
    made of, and in any feature that a combined one reads. So an expression cannot hide what it reads, and a text that
    only spells the name counts, too.
    """
    if column.formula == COMBINED:
        read = features_read(group, column)
        return tuple(dict.fromkeys(name for owner, one in read for name in protected_sources(owner, one, contracts)))
    tables = [contracts[table] for table in sorted(group.reads) if table in contracts]
    protected = {f"{table.name}.{one.name}": one.name for table in tables for one in table.columns if one.protected}
    if not protected:
        return ()
    bases = group_bases(group)
    words = set(_words(group.where, group.event_at, group.entity, group.per, *(one.where for one in group.among)))
    for cell in column.cells:
        base = bases[cell.stem]
        words |= set(_words(*_texts(base.measure), group.filters.get(base.filter, "")))
    for lookup in group.lookups:
        # What is looked up by a protected column tells it.
        words |= {lookup.on} if words & set(lookup.columns) else set()
    return tuple(place for place, name in protected.items() if name in words)


def tell_protected(groups: Iterable[FeatureGroup], contracts: Mapping[str, TableContract]) -> dict[str, str]:
    """Why each feature of the groups counts as protected: the protected columns that it is made of, or its PII class.

    Features that do not are left out.
    """
    told = {}
    for group in groups:
        for column in group_columns(group, contracts):
            if sources := protected_sources(group, column, contracts):
                told[column.name] = " and ".join(sources)
            elif column.pii == "sensitive":
                told[column.name] = "data of class sensitive"
    return told


def permission_faults(
    recipe: Recipe,
    columns: Mapping[str, Sequence[FeatureColumn]],
    *,
    groups: Mapping[str, FeatureGroup],
    contracts: Mapping[str, TableContract],
    observed: ObservationSet,
) -> list[DeclarationError]:
    """Every reason why the recipe may not use its features, each one sentence; empty when it may.

    ``columns`` are the features of the recipe's groups, ``observed`` the set whose own row request features read.
    Also refused: a permission or an omission that names no such feature, since it would silently permit a later one.
    """
    where = f"recipe {recipe.name}"
    concerns: dict[str, list[_Concern]] = {}
    by_group: dict[str, dict[_Concern, list[str]]] = {}
    for name, found in columns.items():
        for column in found:
            own = list(_concerns(recipe, groups[name], column, contracts))
            concerns[column.name] = own
            for concern in own if not is_left_out(recipe, column.name) else ():
                by_group.setdefault(name, {}).setdefault(concern, []).append(column.name)
    faults: list[DeclarationError] = []
    for name, told in by_group.items():
        every = [column.name for column in columns[name]]
        for concern, names in told.items():
            refused = [one for one in names if not (concern.can_be_allowed and _is_allowed(recipe, one))]
            if refused:
                faults.append(_fault(concern, refused, every, where=where))
    asked: dict[str, list[_Concern]] = {}
    for feature in recipe.request:
        asked[feature.column], wrong = _of_request(recipe, feature, concerns, contracts, observed=observed)
        faults += wrong
    return [*faults, *_idle(recipe, concerns, asked, where=where)]


def _concerns(
    recipe: Recipe, group: FeatureGroup, column: FeatureColumn, contracts: Mapping[str, TableContract]
) -> Iterator[_Concern]:
    uses = split_uses(column.permitted_use) if column.permitted_use else ()
    if recipe.permitted_use not in uses:
        told = f"permitted for {column.permitted_use or 'no use'}, not for {recipe.permitted_use}"
        yield _Concern(what=told, can_be_allowed=False, owner=column.owner)
    sources = protected_sources(group, column, contracts)
    if sources:
        yield _protected(sources)
    elif column.pii == "sensitive":
        yield _SENSITIVE


_SENSITIVE = _Concern(what="of PII class sensitive", can_be_allowed=True)


def _protected(sources: Sequence[str]) -> _Concern:
    kind = "a protected attribute" if len(sources) == 1 else "protected attributes"
    return _Concern(what=f"made of {' and '.join(sources)}, {kind}", can_be_allowed=True)


def _is_allowed(recipe: Recipe, feature: str) -> bool:
    return any(fnmatchcase(feature, pattern) for pattern in recipe.allow_protected)


def _fault(concern: _Concern, names: Sequence[str], every: Sequence[str], *, where: str) -> DeclarationError:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    verb = "are" if more else "is"
    patterns = [f'"{pattern}"' for pattern in _patterns(names, every)]
    fix = f"leave_out=({', '.join(patterns)},), or "
    if concern.can_be_allowed:
        reasons = ", ".join(f'{pattern}: "reason"' for pattern in patterns)
        fix += f"say why it is needed: allow_protected={{{reasons}}}"
    else:
        fix += f"have its owner, {concern.owner}, permit it"
    return DeclarationError(f"it uses {names[0]}{more}, which {verb} {concern.what}", where=where, fix=fix)


def _patterns(names: Sequence[str], every: Sequence[str]) -> list[str]:
    """The shortest patterns that match these features and no other of the group: whole words and ``*``, or a name."""
    others, left, found = set(every) - set(names), sorted(names), []
    while left:
        words = left[0].split("_")
        starts = ["_".join(words[:count]) + "_" for count in range(1, len(words))]
        free = [start for start in starts if not any(other.startswith(start) for other in others)]
        matched = [name for name in left if free and name.startswith(free[0])]
        found.append(f"{free[0]}*" if len(matched) > 1 else left[0])
        left = [name for name in left[1:] if name not in matched]
    return found


def _of_request(
    recipe: Recipe,
    feature: RequestFeature,
    concerns: Mapping[str, Sequence[_Concern]],
    contracts: Mapping[str, TableContract],
    *,
    observed: ObservationSet,
) -> tuple[list[_Concern], list[DeclarationError]]:
    """What stands against a request feature, alone and by what it reads, and the faults that follow."""
    where, words = f"recipe {recipe.name}, request feature {feature.name}", _words(feature.expression, feature.per)
    faults = []
    if recipe.permitted_use not in split_uses(feature.permitted_use):
        what = f"it is permitted for {feature.permitted_use}, not for {recipe.permitted_use}"
        faults.append(DeclarationError(what, where=where, fix="leave it out of the recipe"))
    for word in dict.fromkeys(words):
        if word in concerns and is_left_out(recipe, word):
            what = f"it reads {word}, which the recipe leaves out"
            faults.append(DeclarationError(what, where=where, fix="read another feature, or leave this one out, too"))
    own = contracts[observed.table].columns if observed.table in contracts else ()
    sources = [f"{observed.table}.{one.name}" for one in own if one.protected and one.name in words]
    # A protected feature counts although the recipe allows it: another reason is needed for another use of it.
    sources += [word for word in dict.fromkeys(words) if any(one.can_be_allowed for one in concerns.get(word, ()))]
    told = [_protected(sources)] if sources else [_SENSITIVE] if feature.pii == "sensitive" else []
    if told and not _is_allowed(recipe, feature.column):
        fix = f'leave it out, or say why it is needed: allow_protected={{"{feature.column}": "reason"}}'
        faults.append(DeclarationError(f"it is {told[0].what}", where=where, fix=fix))
    return told, faults


def _idle(
    recipe: Recipe,
    concerns: Mapping[str, Sequence[_Concern]],
    asked: Mapping[str, Sequence[_Concern]],
    *,
    where: str,
) -> Iterator[DeclarationError]:
    """Omissions and permissions that concern nothing that the recipe has."""
    for pattern in recipe.leave_out:
        if not any(fnmatchcase(name, pattern) for name in concerns):
            what = f"leave_out names {pattern}, which is no feature of its groups"
            yield DeclarationError(what, where=where, fix=nearest_name(pattern, concerns))
    used = {name: found for name, found in concerns.items() if not is_left_out(recipe, name)} | dict(asked)
    needing = [name for name, found in used.items() if any(one.can_be_allowed for one in found)]
    for pattern in recipe.allow_protected:
        if not any(fnmatchcase(name, pattern) for name in needing):
            what = f"allow_protected names {pattern}, and the recipe uses no protected feature of that name"
            yield DeclarationError(what, where=where, fix="remove it")


def _texts(measure: Measure) -> Iterator[str]:
    """All that a measure says of what it is computed from, whatever fields it has."""
    for one in fields(measure):
        value = getattr(measure, one.name)
        if one.name not in _ABOUT:
            yield from (part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str))


def _words(*texts: str) -> list[str]:
    return [word for text in texts for word in _WORD.findall(text)]
