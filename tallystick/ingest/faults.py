"""What can end the reading of a file, as a word that travels with the rows and as a sentence for people.

Apart from the readers because a task tells the word, and only the driver knows the path that people know the file by.
"""

from __future__ import annotations

from tallystick.errors import InputError
from tallystick.spec.sources import SourceFile

# What can end the reading of a file, by the word that a row's ``_fault`` carries: what to say, and what to do.
_FAULTS = {
    "truncated": ("the file ends early: it is truncated", "deliver it again"),
    "damaged": ("the file is damaged", "deliver it again"),
    "not_packed": ("the file is damaged or no {place} file", "deliver it again"),
    "not_text": (
        "not {encoding} text, near or after line {place}",
        "correct encoding in source.yaml, or deliver it again",
    ),
    "other_mark": (
        "the file begins with the byte order mark of {place}, not {encoding} as declared",
        "correct encoding in source.yaml, or deliver it again",
    ),
    "long_line": (
        "line {place} is longer than {longest_line} characters, the declared longest_line",
        "deliver it again, or declare a greater longest_line in source.yaml",
    ),
    "long_record": (
        "record {place} is longer than {longest_line} characters, the declared longest_line",
        "deliver it again, or declare a greater longest_line in source.yaml",
    ),
    "no_array": (
        "the file is no JSON array at record {place}",
        "deliver it again, or declare format: jsonl if each line is an object",
    ),
    "not_closed": (
        "the array is not closed at record {place}: the file ends early, or a quote or bracket has no counterpart",
        "deliver it again",
    ),
    "other_kind": (
        "the file is {place}, whatever its name says, and not {format} as declared",
        "deliver it as declared, or with the end of its kind in its name",
    ),
    "no_member": (
        "the archive holds no file that is called {member}",
        "correct member in source.yaml, or deliver it again",
    ),
    "encrypted": ("the archive needs a password", "deliver it without one"),
    "other_packing": (
        "the archive is packed in a way that is not read",
        "deliver it packed by deflate, as zip programs do unless they are told otherwise",
    ),
    "too_large": (
        "the file unpacks to more than {largest_gb} GB, the declared largest_gb",
        "deliver it again, or declare a greater largest_gb in source.yaml",
    ),
}


class FileFault(Exception):
    """What ends the reading of a file: a word that ``fault_error`` explains, and a line, a record or a name."""

    def __init__(self, word: str, place: str | int = "") -> None:
        self.fault = f"{word}|{place}"
        super().__init__(self.fault)


def fault_error(fault: str, file: SourceFile, *, where: str) -> InputError:
    """The error of a file that could not be read to its end; ``fault`` is a row's ``_fault``."""
    word, _, place = fault.partition("|")
    what, fix = _FAULTS[word]
    names = ("encoding", "format", "longest_line", "largest_gb", "member")
    declared = {name: getattr(file, name) for name in names}
    return InputError(what.format(place=place, **declared), where=where, fix=fix)
