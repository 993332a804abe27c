"""The report's section of anti-fraud rules: its questions fit the tables, and it says how much was held."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import duckdb
import matplotlib.image as mpimg
import pyarrow as pa

from tallystick.report.blocks import Bars, Facts, Figure, Note, Table
from tallystick.report.rule_pictures import draw_overlaps, draw_ring
from tallystick.report.rules_section import describe_rules, rule_questions
from tallystick.tables import arrow_schema
from tallystick.ties.rings import Ring, RingTie
from tests.lib.shipped import shipped_project

PLACE = {"source": "bank", "observations": "applications", "bucket": 0, "period": "2026", "customer_id": "bank:1",
         "as_of": datetime(2026, 3, 1, tzinfo=UTC), "decided_on": date(2026, 3, 1)}  # fmt: skip


def answers(flags: list[tuple[str, str, str]], held: list[str | None]) -> dict[str, pa.Table]:
    """The questions asked of flags (rule, observation, status) and of one decision for each text of what was held."""
    contracts, database = shipped_project().contracts, duckdb.connect()
    rows = {
        "fraud_flags": [
            PLACE | {"observation_id": about, "rule_id": rule, "family": rule[:3].lower(), "severity": "low",
                     "status": status, "hit_values": "{}"}
            for rule, about, status in flags
        ],
        "fraud_decisions": [
            PLACE | {"observation_id": f"o{n}", "live_rules": 2, "live_hits": int(n == 1), "live_held": int(bool(text)),
                     "shadow_rules": 1, "shadow_hits": 0, "shadow_held": 0, "held_rules": text}
            for n, text in enumerate(held)
        ],
    }  # fmt: skip
    database.execute("CREATE SCHEMA score")
    for name, found in rows.items():
        table = pa.Table.from_pylist(found, schema=arrow_schema(contracts[f"score.{name}"].columns))
        database.register("given", table)
        database.execute(f"CREATE TABLE score.{name} AS SELECT * FROM given")
    asked = rule_questions("applications", source="bank")
    return {name: database.sql(one.sql).to_arrow_table() for name, one in asked.items()}


def test_the_section_counts_decisions_hits_and_what_was_held() -> None:
    flags = [("VEL001", "o1", "live"), ("VEL002", "o1", "live"), ("VEL002", "o2", "live"), ("PLA001", "o1", "shadow")]
    held = ['{"VEL001":"stale clean.x","VEL002":"unknown a"}', None, '{"VEL001":"stale clean.x"}', None]
    section = describe_rules(answers(flags, held), observations="applications")
    assert section is not None
    facts, note, words, bars, hits, why, alike, picture = section.blocks
    assert isinstance(facts, Facts)
    assert dict(facts.rows)["Decisions with a live rule held"] == 2
    assert isinstance(note, Note)
    assert note.text.startswith("2 of 4 decisions (50.0%) had a live rule without an answer.")
    assert isinstance(words, Facts)
    assert {"Held", "Shadow"} <= set(dict(words.rows))
    assert isinstance(bars, Bars)
    assert list(bars.rows) == [("vel", 2)]
    assert isinstance(hits, Table)
    assert hits.rows[0] == ("VEL002", "vel", "low", "live", 2, "2026-03-01")
    assert isinstance(why, Table)
    assert list(why.rows) == [("VEL001", "stale clean.x", 2), ("VEL002", "unknown a", 1)]
    assert isinstance(alike, Table)
    assert alike.rows[0] == ("PLA001", "VEL001", 1, 1.0)
    assert isinstance(picture, Figure)
    assert picture.png.startswith(b"\x89PNG")


def test_signs_of_a_watch_list_decide_nothing_and_weigh_no_fraud() -> None:
    held = ['{"VEL001":"stale clean.x"}', None]
    section = describe_rules(answers([("VEL001", "o1", "live")], held), observations="applications", decides=False)
    assert section is not None
    facts, note, *_ = section.blocks
    assert isinstance(facts, Facts)
    assert [name for name, _ in facts.rows][0::2] == [
        "Observations",
        "Observations with a live hit",
        "... with any rule held",
    ]
    assert isinstance(note, Note)
    assert note.text.startswith("1 of 2 observations (50.0%)")
    assert "ecision" not in repr([block for block in section.blocks if not isinstance(block, Figure)])


def test_a_picture_of_rules_is_dark_where_two_hit_the_same() -> None:
    alike = [{"one": "VEL001", "other": "PLA001", "jaccard": 1.0}, {"one": "VEL001", "other": "VEL002", "jaccard": 0.0}]
    apart = [{**pair, "jaccard": 0.0} for pair in alike]
    pixels = [mpimg.imread(io.BytesIO(draw_overlaps(pairs)), format="png")[..., :3] for pairs in (alike, apart)]
    assert pixels[0].shape == pixels[1].shape
    # Two squares of nine, the pair from both sides, turn from white to dark blue.
    assert 0.02 < float(((pixels[1] - pixels[0]) > 0.5).any(axis=2).mean()) < 0.2


def test_without_decisions_there_is_no_section_and_without_held_rules_it_says_so() -> None:
    assert describe_rules({}, observations="applications") is None
    assert describe_rules(answers([], []), observations="applications") is None
    section = describe_rules(answers([], [None]), observations="applications")
    assert section is not None
    assert section.blocks[1] == Note(text="Every live rule had an answer for all decisions.", tone="good")


def test_a_ring_is_drawn_with_its_flagged_members_in_red_and_counted_by_kind_of_ties() -> None:
    ties = (
        RingTie(kind="a home", source=1, target=2, is_mutual=True),
        RingTie(kind="a home", source=2, target=3, is_mutual=True),
        RingTie(kind="transfers", source=3, target=1, is_mutual=False),
    )
    rings = [Ring(day=date(2026, 3, 30), kind="a home", members=3, flagged=n, ties=ties) for n in (1, 2)]
    pixels = [mpimg.imread(io.BytesIO(draw_ring(ring)), format="png")[..., :3] for ring in rings]
    red = [int(((one[..., 0] > 0.6) & (one[..., 1] < 0.3) & (one[..., 2] < 0.3)).sum()) for one in pixels]
    assert red[0] < red[1]
    section = describe_rules(answers([], [None]), observations="applications", ring=rings[1])
    assert section is not None
    picture, note, table = section.blocks[-3:]
    assert isinstance(picture, Figure)
    assert picture.title == "A ring around confirmed fraud on 2026-03-30: 3 customers tied by a home"
    assert isinstance(note, Note)
    assert note.text.startswith("2 of the 3 committed fraud that was confirmed by 2026-03-30.")
    assert isinstance(table, Table)
    assert table.rows == [("a home", 2, 2), ("transfers", 1, 0)]
