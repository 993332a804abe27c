"""The arguments of every command that answers the rules of a set, declared once.

Apart from ``fraud_rules`` so that its commands read the same arguments and differ only in what they do with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.date_option import date_option
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, existing_warehouse

if TYPE_CHECKING:
    from tallystick.runs.params import ApplyRules

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedRules:
    """The rules of which set are to be answered, where and for which dates. Each field is an argument or an option."""

    observations: Annotated[str, typer.Argument(help="The observation set whose rules are meant.")]
    source: Annotated[str, typer.Option("--source", help="The source of the observations.")]
    first: Annotated[date | None, date_option("--from", help="First business date.")] = None
    last: Annotated[date | None, date_option("--to", help="Last business date.")] = None
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE
    project: ProjectOption = None

    @property
    def dates(self) -> tuple[date | None, date | None]:
        """The first and the last business date; InputError where the first comes after the last."""
        from tallystick.runs.arguments import check_order

        check_order(self.first, self.last)
        return self.first, self.last

    @property
    def params(self) -> ApplyRules:
        """The same as the parameters of a run in the project that was found; NotFound without the warehouse."""
        from tallystick.cli.running import open_project
        from tallystick.runs.params import ApplyRules

        first, last = self.dates
        return ApplyRules(
            project=open_project(self.project).root,
            warehouse=existing_warehouse(self.warehouse),
            source=self.source,
            observations=self.observations,
            first=first,
            last=last,
        )


def about_rules(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the arguments of ``AskedRules`` in place of its first parameter; its own options follow them."""
    shared = signature(AskedRules, eval_str=True).parameters
    own = list(signature(command, eval_str=True).parameters.values())[1:]

    def filled(**told: Any) -> None:
        command(AskedRules(**{name: told.pop(name) for name in shared}), **told)

    filled.__name__, filled.__doc__ = command.__name__, command.__doc__
    # What typer reads the arguments from.
    taken = [*shared.values(), *(one.replace(kind=Parameter.KEYWORD_ONLY) for one in own)]
    filled.__signature__ = Signature(taken)  # type: ignore[attr-defined]  # mypy knows no signature of a function
    return filled
