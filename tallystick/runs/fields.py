"""What the parameters of a run are made of: fields with a type, a word on the command line and a help text.

Apart from ``params``, which lists the runs and their parameters: whoever reads or writes all parameters alike
(``arguments``, Airflow's forms) needs this and none of those.
"""

from __future__ import annotations

import uuid
from dataclasses import Field, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from tallystick.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Template:
    """Text that a scheduler fills in when the task starts. A command line may hold it; a run refuses it."""

    text: str


# Parameters by class, since to evaluate type hints takes longer than all else that a run's arguments need.
_LISTED: dict[type[Params], tuple[Parameter, ...]] = {}


def template(text: str) -> Any:
    """A ``Template`` in place of a date or a number; a text needs none, since it may hold the template itself."""
    return Template(text)


@dataclass(frozen=True, slots=True)
class Option:
    """How a field appears on a command line: its ``help``, and its ``flag`` where that is not the field's name."""

    help: str
    flag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """What every run is told: where the declarations and the tables are, and the id that makes a repeat a no-op.

    A value of another type than its field's is refused. An empty ``run_id`` becomes a new one.
    """

    # The name of the run's module, of its job file and of its Airflow task.
    job: ClassVar[str] = ""
    needs_spark: ClassVar[bool] = True

    project: Annotated[Path, Option("project folder; default: upwards from the working directory")]
    warehouse: Annotated[Path, Option("folder of all tables, models and reports")]
    run_id: Annotated[str, Option("same id again = same run, which is not repeated; default: new")] = ""

    def __post_init__(self) -> None:
        for parameter in list_parameters(type(self)):
            parameter.check(getattr(self, parameter.name))
        if not self.run_id:
            object.__setattr__(self, "run_id", uuid.uuid4().hex)

    def templates(self) -> list[str]:
        """The fields that a scheduler has still to fill in."""
        return [one.name for one in fields(self) if isinstance(getattr(self, one.name), Template)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One field of a params class, for whoever reads or writes all of them alike.

    ``kind`` is its type without None; ``tuple`` stands for any number of texts. ``default`` is MISSING where a value
    must be given.
    """

    name: str
    kind: type
    is_optional: bool
    default: object
    option: Option

    @classmethod
    def of(cls, one: Field[Any], annotation: Any) -> Parameter:
        """The field with its annotation, which is ``Annotated[type, Option]``."""
        declared, option = get_args(annotation)
        kinds = [kind for kind in get_args(declared) or (declared,) if kind is not type(None)]
        kind = tuple if get_origin(declared) is tuple else kinds[0]
        is_optional = type(None) in get_args(declared)
        return cls(name=one.name, kind=kind, is_optional=is_optional, default=one.default, option=option)

    @property
    def flag(self) -> str:
        """Its word on the command line."""
        return self.option.flag or f"--{self.name.replace('_', '-')}"

    def check(self, value: object) -> None:
        """DeclarationError unless the value is of the field's type, or a template in place of a date or a number."""
        if (value is None and self.is_optional) or (isinstance(value, Template) and self.kind in (date, int)):
            return
        # An instant is a date in Python, and a truth value a number; a parameter means the one or the other.
        is_other = isinstance(value, datetime) or isinstance(value, bool) != (self.kind is bool)
        if is_other or not isinstance(value, self.kind):
            what = f"parameter {self.name} is a {type(value).__name__}"
            raise DeclarationError(what, fix=f"give a {self.kind.__name__}")


def list_parameters(params: type[Params]) -> tuple[Parameter, ...]:
    """The fields of a params class in declared order."""
    if params not in _LISTED:
        hints = get_type_hints(params, include_extras=True)
        _LISTED[params] = tuple(Parameter.of(one, hints[one.name]) for one in fields(params))
    return _LISTED[params]
