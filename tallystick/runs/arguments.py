"""A run's parameters as a command line and back: the one place that knows how the two belong together.

Only spark-submit needs the command line. ``render`` writes it, the job file reads it with ``parse``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tallystick.errors import DeclarationError, InputError
from tallystick.places import to_place
from tallystick.runs.fields import Parameter, Params, Template, list_parameters
from tallystick.spec.calendar import read_date

P = TypeVar("P", bound=Params)

_READERS: dict[type, Callable[[str], Any]] = {str: str, int: int, Path: Path}


class _Parser(argparse.ArgumentParser):
    """Refuses with a sentence and exit code 3: argparse's own 2 says here that the machine lacks something."""

    def error(self, message: str) -> NoReturn:
        raise DeclarationError(message, where="the command line", fix="--help lists the options")


def parse(params: type[P], argv: Sequence[str] | None = None, *, doc: str | None = None) -> P:
    """The parameters that a command line gives (default: this process's); ``project`` is found where not given.

    DeclarationError for an option that is unknown, is missing, or has a value that cannot be read.
    """
    from tallystick.project import find_project

    parser = _Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for parameter in list_parameters(params):
        _add_option(parser, parameter)
    given: dict[str, Any] = vars(parser.parse_args(argv))
    given["project"] = given["project"] or find_project()
    given["project"], given["warehouse"] = given["project"].resolve(), to_place(given["warehouse"]).resolve()
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    return params(**values)


def check_order(first: object, last: object) -> None:
    """InputError where both are dates and the first is after the last: nothing lies between them."""
    if isinstance(first, date) and isinstance(last, date) and first > last:
        raise InputError(f"--from {first} is after --to {last}", fix="name the earlier date first")


def render(params: Params) -> list[str]:
    """The command line that gives these parameters again. A template stays as it is, for the scheduler to fill in."""
    argv = []
    for parameter in list_parameters(type(params)):
        value = getattr(params, parameter.name)
        if value == parameter.default:
            continue
        if isinstance(value, bool):
            argv.append(parameter.flag)
            continue
        for item in value if isinstance(value, tuple) else (value,):
            argv += _option(parameter.flag, _text(item))
    return argv


def _add_option(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    is_required = parameter.default is MISSING and parameter.name != "project"
    default = None if parameter.default is MISSING else parameter.default
    told: dict[str, Any] = {"dest": parameter.name, "required": is_required, "help": parameter.option.help}
    if parameter.kind is bool:
        told["action"] = "store_true"
    elif parameter.kind is tuple:
        # A list for argparse to append to.
        told |= {"action": "append", "default": []}
    else:
        told |= {"type": _reader(parameter), "default": default}
    parser.add_argument(parameter.flag, **told)


def _reader(parameter: Parameter) -> Callable[[str], Any]:
    """Reads the value of one option; argparse would turn a ValueError into a message that names a function."""

    def read(text: str) -> Any:
        if parameter.kind is date:
            return read_date(text, where=parameter.flag)
        try:
            return _READERS[parameter.kind](text)
        except ValueError:
            fix = "give a whole number such as 92"
            raise DeclarationError(f"{text!r} cannot be read", where=parameter.flag, fix=fix) from None

    return read


def _option(flag: str, text: str) -> list[str]:
    # argparse takes a value that begins with a dash for another flag, unless the two are one word.
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


def _text(value: object) -> str:
    if isinstance(value, Template):
        return value.text
    return value.isoformat() if isinstance(value, date) else str(value)
