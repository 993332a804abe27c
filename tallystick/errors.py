"""Every error a user can meet, and the exit code each one gives.

One tree in one file that imports nothing of ours: every part may raise, and nobody needs to look for an exit code.

    TallystickError              1   anything below that has no code of its own
    ├── SetupError               2   Java, jars, disk, registry, environment variable
    ├── DeclarationError         3   a contract, mapping, feature, rule, label or recipe is wrong
    ├── InputError               4   a supplier's file cannot be used
    │   └── LoadRefused          5   a load was stopped before anything was published
    ├── ContractError            6   data to be written breaks its table's contract
    ├── ConflictError            7   another writer holds or took the slice
    ├── ValidationFailed         8   a critical expectation failed
    ├── LeakageFound             9   the audit refused the training set
    ├── NotFound                10   a table, version, model or feature does not exist
    │   └── NoModelYet          13   a model was never trained; a training may be under way
    ├── ModelError              11   training or registration cannot go on
    └── LimitExceeded           12   the work would take more than was allowed, and was not begun

A message says what is wrong, where (file, line, column, table, feature) and what to do. It never holds a row's value,
nor what an address may hold of keys (``hide_keys``).
"""

from __future__ import annotations

import re
from typing import Any

# What deltalake raises for whatever it has no error of its own for.
_DELTA_ERROR = ("_internal", "DeltaError")
# An address, also one of which a path was made, which holds one slash where two stood; then what is no port.
_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]+:)(/+)(\S*?)([:,;)]*)(?!\S)")
_USER = re.compile(r":(?!port\b)\d*[^\W\d]")
_WITHOUT_USERS = ("file:", "sqlite:", "models:")


class TallystickError(Exception):
    """Base of all errors raised for a user. ``exit_code`` is what a command ends with.

    ``may_pass`` says that the same run can succeed later though nobody changed anything: a scheduler tries it again.
    """

    exit_code = 1
    may_pass = False

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(what, where, fix)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return hide_keys(f"{text} ({self.fix})" if self.fix else text)


class SetupError(TallystickError):
    """The machine or environment lacks something the run needs."""

    exit_code = 2
    may_pass = True  # a full disk is emptied, a registry that is down comes back


class DeclarationError(TallystickError):
    """A declared contract, mapping, feature, rule, label or recipe is wrong.

    Three values let the line be found in the file. ``texts`` are the texts of the declaration that are wrong, the most
    precise first. ``part`` is the kind and the name of what they stand in, such as ``("measure", "out")``; ``is_last``
    says that the last of several such places is meant.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", fix: str = "", texts: tuple[str, ...] = ()) -> None:
        super().__init__(what, where=where, fix=fix)
        self.texts = texts
        self.part = ("", "")
        self.is_last = False

    def moved(self, where: str) -> DeclarationError:
        """The same error at another place."""
        made = DeclarationError(self.what, where=where, fix=self.fix, texts=self.texts)
        made.part, made.is_last = self.part, self.is_last
        return made


class InputError(TallystickError):
    """A supplier's file is missing, broken or not what its mapping says."""

    exit_code = 4


class LoadRefused(InputError):
    """A load was stopped before anything of it was published."""

    exit_code = 5


class ContractError(TallystickError):
    """Data handed to the write door breaks the contract of its table."""

    exit_code = 6


class ConflictError(TallystickError):
    """Another run holds the slice, or committed to it first."""

    exit_code = 7
    may_pass = True


class ValidationFailed(TallystickError):
    """A critical expectation failed; what depends on the table must not run."""

    exit_code = 8


class LeakageFound(TallystickError):
    """The leakage audit refused a training set."""

    exit_code = 9


class NotFound(TallystickError):
    """A table, version, model, feature or recipe that was asked for does not exist."""

    exit_code = 10


class NoModelYet(NotFound):
    """A model has no version under its alias: nobody has trained it yet."""

    exit_code = 13
    may_pass = True  # on a first date scoring waits for the training that its labels have started


class ModelError(TallystickError):
    """Training, evaluation or registration of a model cannot go on."""

    exit_code = 11


class LimitExceeded(TallystickError):
    """The work would read more than the caller allowed; nothing of it was begun."""

    exit_code = 12


def hide_keys(text: str) -> str:
    """The text with ``...`` for the users, passwords and queries of its addresses, which are what opens them.

    Where a part cannot be told from a key, such as ``a:b`` before a path, it is hidden, too.
    """
    return _ADDRESS.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    scheme, slashes, rest, end = found.groups()
    plain, *query = re.split(r"([?#])", rest, maxsplit=1)
    store, slash, path = plain.partition("/")
    if "@" in rest and scheme not in _WITHOUT_USERS:
        # Keys may hold every sign. So a sign of a query before the last @ may be one of a key.
        plain = "..." if query else f"...@{plain.rpartition('@')[2]}"
    elif _USER.search(store):
        plain = f"...{slash}{path}"
    return f"{scheme}{slashes}{plain}{f'{query[0]}...' if query else ''}{end}"


def may_pass(exit_code: int) -> bool:
    """Whether a command that ended so can succeed later though nobody changed anything.

    Whatever is no error of ours may pass: a process that was killed, a machine that went away. Nor is it known of exit
    code 1, a defect, that it comes again.
    """
    kinds = {kind.exit_code: kind for kind in _below(TallystickError) if kind is not TallystickError}
    return kinds[exit_code].may_pass if exit_code in kinds else True


def storage_failure(error: Any, *, where: str = "") -> SetupError | None:
    """The error of ours for a request that a disk or an object store did not carry out; None for any other error.

    Arrow and deltalake raise it without a number of the system, and their texts hold addresses of files.
    """
    is_arrows = isinstance(error, OSError) and not error.strerror
    if not is_arrows and (type(error).__module__, type(error).__name__) != _DELTA_ERROR:
        return None
    fix = "see whether the disk or the object store answers, and run it again"
    return SetupError(f"a file could not be read or written: {type(error).__name__}", where=where, fix=fix)


def _below(kind: type[TallystickError]) -> list[type[TallystickError]]:
    return [kind, *(one for inner in kind.__subclasses__() for one in _below(inner))]
