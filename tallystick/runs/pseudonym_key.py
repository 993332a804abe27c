"""The key with which a load hashes identifiers: where it comes from, and that it is the one of the loads before.

Apart from the run because no other run has a key, and from ``ingest`` because a stage reads neither environment nor
tables.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from tallystick.errors import LoadRefused, SetupError
from tallystick.ingest.pseudonyms import PseudonymKey
from tallystick.runs.context import RunContext
from tallystick.tables import pin_all
from tallystick.tables.store.earlier_rows import StoredBefore

# Bytes of a key: no fewer can be called secret for as long as data is kept, and BLAKE2b takes no more.
SHORTEST, LONGEST = 32, 64
# Among 32 random bytes so few different ones stand about once in 10**25 draws; in a typed pattern often.
_FEWEST_DIFFERENT = 12

LOADS, FINGERPRINT = "monitor.loads", "pseudonym_key"

_MAKE_ONE = "make one: (umask 077; openssl rand -hex 32 > key.hex), outside the project"


def read_key(context: RunContext, environment: Mapping[str, str] = os.environ) -> PseudonymKey | None:
    """The key of the context's source; None where it hashes nothing.

    It is in the environment's variable that the source names, or in the file that this variable with _FILE names. A
    SetupError says what is wrong with it: missing, given twice, too short, not hexadecimal, no random bytes, or in a
    file that others may read or that lies in the project.
    """
    source = context.source
    if not source.namespaces:
        return None
    variable, of_file = source.pseudonyms.key, f"{source.pseudonyms.key}_FILE"
    given = [name for name in (variable, of_file) if environment.get(name)]
    if not given:
        raise SetupError(f"source {source.name} hashes identifiers, and {variable} and {of_file} are not set",
                         fix=_MAKE_ONE)  # fmt: skip
    if len(given) > 1:
        raise SetupError(f"{variable} and {of_file} are both set", fix="unset the one that is not meant")
    if given[0] == variable:
        return _key(environment[variable], where=variable)
    path = Path(environment[of_file])
    return _key(_read_file(path, project=context.project.root), where=str(path))


def _read_file(path: Path, *, project: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise SetupError(f"the key cannot be read: {error.strerror}", where=str(path), fix=_MAKE_ONE) from None
    if mode & stat.S_IRWXO:
        raise SetupError("every user of this machine may read or change the key", where=str(path), fix="chmod o-rwx")
    if path.resolve().is_relative_to(project.resolve()):
        fix = "move it out: files of a project are committed or copied sooner or later"
        raise SetupError("the key lies in the project's folder", where=str(path), fix=fix)
    return text


def _key(text: str, *, where: str) -> PseudonymKey:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        raise SetupError("the key is not written in hexadecimal digits", where=where, fix=_MAKE_ONE) from None
    if not SHORTEST <= len(secret) <= LONGEST:
        what = f"the key has {len(secret)} bytes, and needs {SHORTEST} to {LONGEST}"
        raise SetupError(what, where=where, fix=_MAKE_ONE)
    if len(set(secret)) < _FEWEST_DIFFERENT:
        raise SetupError("the key is not random", where=where, fix=_MAKE_ONE)
    return PseudonymKey(secret)


def check_key(context: RunContext, key: PseudonymKey | None, *, before: date) -> None:
    """LoadRefused unless all loads before a date were hashed with this key, or none was where there is no key."""
    pinned = pin_all(context.warehouse, [LOADS]).values() if context.warehouse.exists(LOADS) else ()
    loads = StoredBefore.of(pinned, context.contracts, source=context.source.name, before=before)
    if not loads.has_rows(LOADS):
        return
    found = set(loads.read(LOADS, [FINGERPRINT])[FINGERPRINT].to_pylist())
    others = found - {key.fingerprint if key else None}
    if not others:
        return
    fix = "the same person would have two names; docs/sources.md says how to change the key of all loads"
    where = f"source {context.source.name}, load of {before}"
    if key is None:
        raise LoadRefused(
            "earlier loads have hashed identifiers, and the source declares none now", where=where, fix=fix
        )
    if others == {None}:
        raise LoadRefused("earlier loads have identifiers as they were delivered", where=where, fix=fix)
    told = ", ".join(sorted(text for text in others if text))
    what = f"earlier loads were hashed with key {told}, and this one would be with key {key.fingerprint}"
    raise LoadRefused(what, where=where, fix=fix)
