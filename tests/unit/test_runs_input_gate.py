"""What a run reads is refused in a sentence where an older version of this project stored it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.errors import ContractError
from tallystick.runs import input_gate
from tallystick.spec.data_files import DataFile
from tallystick.tables import Pinned


def test_labels_from_before_they_named_their_set_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    context: Any = SimpleNamespace(warehouse=None, source=SimpleNamespace(name="bank"))
    recipe: Any = SimpleNamespace(observations="applications", labels=("outcome",))
    placed = {"source": "bank", "observations": "applications"}

    def stored(*partitions: dict[str, str]) -> Any:
        files = tuple(DataFile(table_path="t", rel="f", size=1, rows=1, partition=one) for one in partitions)
        return Pinned(name="label.outcome", path="t", version=0, files=files)

    other = placed | {"observations": "book"}
    monkeypatch.setattr(input_gate, "pin", lambda *_: stored(placed, other))
    assert [file.partition for file in input_gate.pin_labels(context, recipe).all_files] == [placed]
    monkeypatch.setattr(input_gate, "pin", lambda *_: stored({"source": "bank"}))
    with pytest.raises(ContractError, match=r"label.outcome: .* before labels named .* \(remove the table's folder"):
        input_gate.pin_labels(context, recipe)
