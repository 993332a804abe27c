"""Replaces identifiers by a keyed hash while a file is read, so that nothing behind the reader ever sees one.

Apart from the readers because the formats differ and this does not, and from the mappings because both ways to map
rows, DuckDB and Spark, must see one and the same pseudonym.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import pyarrow as pa

from tallystick.errors import SetupError
from tallystick.spec.identifiers import DIGITS
from tallystick.spec.sources import Source, SourceFile

# Bytes of a key's fingerprint: enough to tell two keys apart, and nothing of a key of 256 bits can be found from it.
_FINGERPRINT_BYTES = 8


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """The secret with which identifiers are hashed: 32 to 64 random bytes. No text of it shows them."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells the key from another one without telling anything of it; stored with each load."""
        return blake2b(b"fingerprint", key=self.secret, digest_size=_FINGERPRINT_BYTES).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pseudonyms:
    """The pseudonyms of one source: BLAKE2b under a key of its own for each namespace, cut to DIGITS digits.

    Equal identifiers of a namespace have equal pseudonyms in all files and loads of the source; those of two namespaces
    or of two sources have nothing in common. A picklable value: it travels to the tasks that read files.
    """

    source: str
    key: PseudonymKey
    keep_first: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, source: Source, key: PseudonymKey | None) -> Pseudonyms | None:
        """Those of a source; None where it hashes nothing. SetupError where it does and there is no key."""
        if not source.namespaces:
            return None
        if key is None:
            raise _no_key(source.name)
        return cls(source=source.name, key=key, keep_first=tuple(source.pseudonyms.keep_first.items()))

    def column(self, values: pa.Array, namespace: str) -> pa.Array:
        """The pseudonyms of a column of text or whole numbers; null stays null, and a text without a letter is kept."""
        texts = values if pa.types.is_string(values.type) else values.cast(pa.string())
        coded = texts.dictionary_encode()
        kept = dict(self.keep_first).get(namespace, 0)
        own = blake2b(f"{self.source}\0{namespace}".encode(), key=self.key.secret, digest_size=32).digest()
        start = blake2b(key=own, digest_size=DIGITS // 2)

        def pseudonym(text: str) -> str:
            made = start.copy()
            made.update(text.encode("utf-8", "surrogatepass"))
            return text[:kept] + made.hexdigest() if text else text

        return pa.array([pseudonym(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def hide(columns: Sequence[pa.Array], file: SourceFile, pseudonyms: Pseudonyms | None) -> list[pa.Array]:
    """The columns of some records of a file with pseudonyms in place of its identifiers.

    SetupError when it has identifiers and there are no pseudonyms: without a key nothing of it is read.
    """
    if not file.hashed:
        return list(columns)
    if pseudonyms is None:
        raise _no_key(file.view)
    return [
        pseudonyms.column(_whole(values), file.hashed[name]) if name in file.hashed else values
        for name, values in zip(file.columns, columns, strict=True)
    ]


def _whole(values: pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _no_key(what: str) -> SetupError:
    return SetupError("its identifiers are hashed, and there is no key", where=what, fix="see docs/sources.md")
