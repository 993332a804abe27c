"""What the parts of a recipe's features are worth: the parts that are told apart, and whose file is thin.

Apart from ``recipes`` because neither changes the model: both say what is looked at beside it (docs/ablation.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.names import check_name
from tallystick.spec.part_checks import check_texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Ablation:
    """A dimension: a part of the features, whose worth is measured by training with it and without it.

    It holds the features of ``groups``, those whose names match the patterns of ``drop`` (``orders_*``), and with
    ``drop_assumed`` every feature of a table whose ``known_on`` is assumed, because its source gives no date. Request
    features are the group ``request``. A feature may be in several dimensions.

    ``tally ablate`` ranks by each dimension alone, adds each to the base, and leaves each out of all features. The base
    are the dimensions that are marked ``is_base`` or, where none is, the features that are in no dimension.
    """

    name: str
    title: str
    drop: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    drop_assumed: bool = False
    is_base: bool = False

    def __post_init__(self) -> None:
        where = f"ablation {self.name}"
        check_types(self, where=where)
        check_name("ablation", self.name)
        check_texts(where, title=self.title)
        if not self.drop and not self.groups and not self.drop_assumed:
            raise DeclarationError("an ablation drops something", where=where, fix='drop=("orders_*",)')


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinFile:
    """Whose file is thin: the observations that ``where`` holds for, and ``title``, the same in words.

    ``where`` is an SQL condition over the features of the recipe, request features included. Null is not thin.
    """

    title: str
    where: str

    def __post_init__(self) -> None:
        check_types(self, where="thin file")
        check_texts("thin file", title=self.title, condition=self.where)
