"""Copies a supplier's delivery once, unchanged, with a manifest; only the copy is read from then on.

So a file that its supplier changes during the load cannot give a mixture, and every load can be repeated later.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO

from tallystick.errors import ConflictError, DeclarationError, InputError, LoadRefused, NotFound
from tallystick.places import RemotePath, local_home
from tallystick.spec.delivery_names import business_date, is_delivery, next_name
from tallystick.spec.sources import LANDING_FILES
from tallystick.tables.landing.copies import pull, push
from tallystick.tables.store.disk import full_disk_is_setup_error, locked, write_whole
from tallystick.tables.store.file_access import ask_at_once
from tallystick.tables.store.slices import PLAIN, Run
from tallystick.tables.store.warehouse import Warehouse

MANIFEST, PUBLISHED = LANDING_FILES
CHUNK = 1 << 20
# A file that still changes at the third try is being written: the supplier has not delivered it yet.
TRIES = 3


@dataclass(frozen=True, slots=True)
class LandedFile:
    """One line of the manifest: the name inside the delivery, bytes, and the SHA-256 of the copy."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Landing:
    """A landed delivery, by its name. ``status`` is ``same`` when its bytes were published before (nothing to do), else
    ``new``.
    """

    source: str
    name: str
    path: Path
    manifest: tuple[LandedFile, ...]
    status: str

    @property
    def is_published(self) -> bool:
        """Whether the tables of its load were committed."""
        return (self.path / PUBLISHED).is_file()

    @property
    def local(self) -> Path:
        """The folder of this machine where the files can be read: of a load in an object store, a copy."""
        if not isinstance(self.path, RemotePath):
            return self.path
        folder = local_home(self.path)
        if read_manifest(folder) != self.manifest:
            pull(self.path, folder, {file.name: file.sha256 for file in self.manifest}, last=MANIFEST)
        return folder

    @property
    def load_date(self) -> date | None:
        """The date on which it was loaded; None before that. Loads of older versions had the folder's date."""
        try:
            told: Mapping[str, str] = json.loads((self.path / PUBLISHED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return date.fromisoformat(told["load_date"]) if "load_date" in told else business_date(self.name)

    @property
    def sha256(self) -> str:
        """The SHA-256 of its manifest."""
        return hashlib.sha256((self.path / MANIFEST).read_bytes()).hexdigest()

    def fetch(self, names: Sequence[str]) -> None:
        """Have these files, and no others, in this machine's copy of a load in an object store; InputError for a name
        that the delivery has not.
        """
        if isinstance(self.path, RemotePath):
            folder, sums = local_home(self.path), {file.name: file.sha256 for file in self.manifest}
            for name in names:
                self._check_name(name)
            pull(self.path, folder, {name: sums[name] for name in names if not (folder / name).is_file()})

    def file(self, name: str) -> Path:
        """The landed copy of the delivery's file; InputError when the delivery has no such file."""
        self._check_name(name)
        return self.local / name

    def _check_name(self, name: str) -> None:
        if name not in {f.name for f in self.manifest}:
            raise InputError("the delivery has no such file", where=f"{self.source} {self.name}, {name}")


def land(warehouse: Warehouse, source: str, name: str, directory: str | Path, files: Sequence[str]) -> Landing:
    """Copy ``files`` of ``directory`` into the warehouse as the delivery ``name``, all of them or nothing.

    A delivery that was landed but never published is replaced by a new delivery. InputError for a directory or file
    that does not exist or will not stop changing, LoadRefused for other bytes of a published delivery, SetupError for a
    full disk, ConflictError when another run is landing the same delivery.
    """
    origin = Path(directory)
    names = _checked_names(source, files)
    if not origin.is_dir():
        raise InputError("the source's directory does not exist", where=str(origin), fix="check the path of --source")
    inside = origin.resolve()
    for file in names:
        if not (origin / file).resolve().is_relative_to(inside):
            fix = "deliver the file itself"
            raise InputError("a link leads out of the delivery's folder", where=str(origin / file), fix=fix)
        if not (origin / file).is_file():
            raise InputError(
                "the delivery lacks a file", where=str(origin / file), fix="deliver it or correct source.yaml"
            )
    home = warehouse.root / "raw" / source
    with full_disk_is_setup_error(str(home)):
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / f".{name}.lock", "another run is landing this delivery", where=f"{source} {name}"):
            found = _published(home / name, source, name, origin, names=names)
            if found is not None:
                return found
            if isinstance(home, RemotePath):
                return _land_remotely(home, source, name, origin, names=names)
            return _land(home, source, name, origin, names=names)


def _published(target: Path, source: str, name: str, origin: Path, *, names: Sequence[str]) -> Landing | None:
    """The landing of a delivery that was published, if it was of the same bytes; None when it was never published."""
    held = read_manifest(target)
    if held is not None and (target / PUBLISHED).is_file():
        offered = tuple(_digest(origin / file, file) for file in names)
        if offered != held:
            changed = sorted({f.name for f in {*offered} ^ {*held}})
            raise LoadRefused(
                f"other bytes of this delivery were published: {', '.join(changed)}",
                where=f"{source} {name}",
                fix=f"deliver the correction in a folder named {next_name(name)}, and take the changed one away",
            )
        return Landing(source, name, target, held, "same")
    return None


def _land_remotely(home: RemotePath, source: str, name: str, origin: Path, *, names: Sequence[str]) -> Landing:
    """Land in a folder of this machine, which the load reads, and put the same files into the store."""
    mirror = local_home(home)
    mirror.mkdir(parents=True, exist_ok=True)
    copy = _land(mirror, source, name, origin, names=names)
    target = home / name
    if read_manifest(target) != copy.manifest:
        push(copy.path, target, [file.name for file in copy.manifest], last=MANIFEST)
    return Landing(source, name, target, copy.manifest, "new")


def _land(home: Path, source: str, name: str, origin: Path, *, names: Sequence[str]) -> Landing:
    target = home / name
    _sweep(home, name)
    held = read_manifest(target)
    # Copied beside its place and then renamed: a reader sees the old load or the new one, and a killed landing leaves
    # only a folder that the next one removes.
    part = home / f".landing-{name}-{uuid.uuid4().hex}"
    try:
        manifest = tuple(_copy(origin / file, part / file, file) for file in names)
        write_whole(part / MANIFEST, _manifest_text(source, name, manifest))
        if manifest == held and all((target / f.name).stat().st_size == f.size for f in held):
            return Landing(source, name, target, held, "new")  # not moved: another run may be reading it
        if target.exists():
            target.rename(home / f".landing-{name}-old-{uuid.uuid4().hex}")
        part.rename(target)
    finally:
        _sweep(home, name)
    return Landing(source, name, target, manifest, "new")


def mark_published(landing: Landing, run: Run, load_date: date) -> None:
    """Say that the tables of its load are committed: from now on other bytes are refused. Again: no change.

    ConflictError when other bytes were landed since: what was committed is not what is there now.
    """
    if read_manifest(landing.path) != landing.manifest:
        where = f"{landing.source} {landing.name}"
        raise ConflictError("another delivery took this load's place", where=where, fix="run the load again")
    if not landing.is_published:
        with full_disk_is_setup_error(str(landing.path)):
            told = {"run_id": run.run_id, "code_version": run.code_version, "load_date": load_date.isoformat()}
            write_whole(landing.path / PUBLISHED, json.dumps(told) + "\n")


def find_landing(warehouse: Warehouse, source: str, name: str) -> Landing:
    """The landed delivery; NotFound when there is none. ``status`` is ``same`` when it is published."""
    target = warehouse.root / "raw" / source / name
    manifest = read_manifest(target)
    if manifest is None:
        raise NotFound(f"no delivery {name} of {source} was landed", where=str(target.parent))
    return Landing(source, name, target, manifest, "same" if (target / PUBLISHED).is_file() else "new")


def landings(warehouse: Warehouse, source: str) -> list[Landing]:
    """All landed deliveries of the source, in the order of their names."""
    names = (manifest.parent.name for manifest in warehouse.root.glob(f"raw/{source}/????-??-??*/{MANIFEST}"))
    return [find_landing(warehouse, source, name) for name in sorted(names) if is_delivery(name)]


def load_dates(warehouse: Warehouse, source: str) -> dict[str, date | None]:
    """Of every landed delivery of the source, by its name, the date on which it was loaded; None before that.

    A store is asked once what there is, and for each loaded delivery's mark: there are as many as there were nights.
    """
    home = warehouse.root / "raw" / source
    if not isinstance(home, RemotePath):
        return {landing.name: landing.load_date for landing in landings(warehouse, source)}
    found: dict[str, set[str]] = defaultdict(set)
    for path in home.rglob("*"):
        found[path.parent.name].add(path.name)
    names = sorted(name for name, files in found.items() if MANIFEST in files and is_delivery(name))
    marked = [Landing(source, name, home / name, (), "same") for name in names if PUBLISHED in found[name]]
    dates = ask_at_once(lambda landing: landing.load_date, marked)
    return dict.fromkeys(names) | {one.name: day for one, day in zip(marked, dates, strict=True)}


def _checked_names(source: str, files: Sequence[str]) -> list[str]:
    if not PLAIN.fullmatch(source):
        raise DeclarationError(f"source name {source} has other characters than letters, digits, _ and -")
    for name in files:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or parts[0] in (MANIFEST, PUBLISHED):
            raise InputError(
                "a file's name must lie inside the delivery", where=f"{source}, {name}", fix="correct source.yaml"
            )
    return sorted(set(files))


@contextmanager
def alone(warehouse: Warehouse, source: str) -> Iterator[None]:
    """Be the only run that ingests this source, from landing to the published mark; else ConflictError at once.

    A load compares its rows with those of the loads before it, so two loads of one source must not overlap either.
    Copies that this machine makes of loads in an object store are removed at the end, and those of a killed run at the
    beginning: a supplier's rows do not stay on it.
    """
    _checked_names(source, [])
    home = warehouse.root / "raw" / source
    with full_disk_is_setup_error(str(home)):
        home.mkdir(parents=True, exist_ok=True)
    with locked(home / ".ingest", "another run is ingesting this source", where=source):
        _remove_copies(home)
        try:
            yield
        finally:
            _remove_copies(home)


def _remove_copies(home: Path) -> None:
    if isinstance(home, RemotePath):
        shutil.rmtree(local_home(home), ignore_errors=True)


def _sweep(home: Path, name: str) -> None:
    """Remove what a landing that was killed left behind; only the holder of the lock may."""
    for left in home.glob(f".landing-{name}-*"):
        shutil.rmtree(left)


def _copy(origin: Path, copy: Path, name: str) -> LandedFile:
    """Copy one file whole; when it changed meanwhile, the mixture is thrown away and the copy made again."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        before = _state(origin)
        with copy.open("wb") as target:
            sha256, size = _read_through(origin, target)
            target.flush()
            os.fsync(target.fileno())
        if _state(origin) == before and size == before[0]:
            copy.chmod(0o444)  # nobody changes a landed file by mistake
            return LandedFile(name, size, sha256)
    raise InputError("the file changes while it is copied", where=str(origin), fix="deliver it when it is complete")


def _digest(origin: Path, name: str) -> LandedFile:
    sha256, size = _read_through(origin, None)
    return LandedFile(name, size, sha256)


def _read_through(origin: Path, target: IO[bytes] | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with origin.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if target is not None:
                target.write(chunk)
    return digest.hexdigest(), size


def _state(path: Path) -> tuple[int, int, int]:
    told = path.stat()
    return told.st_size, told.st_mtime_ns, told.st_ino


def _manifest_text(source: str, name: str, manifest: Sequence[LandedFile]) -> str:
    files = [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in manifest]
    return json.dumps({"source": source, "delivery": name, "files": files}, indent=2) + "\n"


def read_manifest(target: Path) -> tuple[LandedFile, ...] | None:
    """The files of the load in this folder; None when there is none."""
    try:
        told: Mapping[str, list[dict[str, object]]] = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return tuple(LandedFile(str(f["name"]), int(str(f["size"])), str(f["sha256"])) for f in told["files"])
