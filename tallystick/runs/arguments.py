"""A run's parameters as a command line and back: the one place that knows how the two belong together.

Only spark-submit needs the command line. ``render`` writes it, the job file reads it with ``parse``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from tallystick.errors import InputError
from tallystick.places import to_place
from tallystick.runs.fields import Parameter, Params, Template, list_parameters

P = TypeVar("P", bound=Params)

_READERS: dict[type, Callable[[str], Any]] = {str: str, int: int, Path: Path, date: date.fromisoformat}


def parse(params: type[P], argv: Sequence[str] | None = None, *, doc: str | None = None) -> P:
    """The parameters that a command line gives (default: this process's); ``project`` is found where not given."""
    from tallystick.project import find_project

    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
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
        told |= {"type": _READERS[parameter.kind], "default": default}
    parser.add_argument(parameter.flag, **told)


def _option(flag: str, text: str) -> list[str]:
    # argparse takes a value that begins with a dash for another flag, unless the two are one word.
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


def _text(value: object) -> str:
    if isinstance(value, Template):
        return value.text
    return value.isoformat() if isinstance(value, date) else str(value)
