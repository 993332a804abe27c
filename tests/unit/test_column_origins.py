"""What a column is made of, held against declarations that are small enough to see it by eye."""

from __future__ import annotations

from pathlib import Path

from tallystick.project.column_origins import ColumnOrigin, feature_origins, label_origins, mapping_origins
from tallystick.project.contracts import load_contract
from tallystick.project.sources import load_source
from tallystick.spec.combined import Combined
from tallystick.spec.features import FeatureGroup, Lookup, Measure, Share
from tallystick.spec.labels import DelinquencyLabel, EventLabel, OutcomeLabel
from tests.lib.deliveries import ACCOUNTS_SQL, CHECKOUT, write_source
from tests.lib.pseudonyms import YAML

TXN = "clean.transactions"
AMOUNT, WAY, WHEN = (
    ColumnOrigin(TXN, "amount_minor", True),
    ColumnOrigin(TXN, "direction", False),
    ColumnOrigin(TXN, "event_at", False),
)
GROUP = FeatureGroup(
    name="txn",
    table=TXN,
    owner="risk",
    windows=("30d",),
    where="channel = 'card'",
    filters={"poor": "unemployment_percent > 10"},
    lookups=(Lookup(table="clean.regions", on="region_id", columns=("unemployment_percent",)),),
    measures=(
        Measure(name="out", reason="r", value="amount_minor", where="direction = 'out'", ops="sum", filters=("poor",),
                unfiltered=True),
        Measure(name="all", reason="r", ops="count"),
        Measure(name="top", reason="r", value="amount_minor", each="direction", ops="max"),
    ),
    derived=(Share(name="poor", reason="r", a="out_poor_sum", b="out_sum"),),
    combined=(Combined(name="mean", description="d", reason="r", value="txn_out_sum_30d / txn_all_count_30d"),),
)  # fmt: skip
VIEW = (
    'views:\n  owners: {key: [who], sql: "SELECT person AS who, MIN(opened) AS since FROM accounts GROUP BY person"}\n'
)


def test_a_feature_is_made_of_its_values_and_of_what_decides_which_rows_count() -> None:
    found = feature_origins(GROUP)
    jobless = ColumnOrigin("clean.regions", "unemployment_percent", False)
    assert set(found.columns["txn_out_sum_30d"]) == {AMOUNT, WAY}
    assert set(found.columns["txn_out_poor_sum_30d"]) == {AMOUNT, WAY, jobless}
    assert set(found.columns["txn_poor_share_30d"]) == {AMOUNT, WAY, jobless}
    assert set(found.columns["txn_top_max_30d"]) == {AMOUNT, WAY}
    assert found.columns["txn_all_count_30d"] == (WHEN,)
    assert set(found.columns["txn_mean"]) == {AMOUNT, WAY, WHEN}
    deciding = ("event_at", "customer_id", "region_id", "channel")
    assert set(found.rows) == {ColumnOrigin(TXN, name, False) for name in deciding}


def test_a_label_is_made_of_what_it_declares() -> None:
    outcome = OutcomeLabel(name="bad", where="loan_id <> 'x'")
    table = outcome.table
    assert set(label_origins(outcome).columns["label"]) == {
        ColumnOrigin(table, "outcome", True),
        ColumnOrigin(table, "observed_on", False),
        ColumnOrigin(table, "loan_id", False),
    }
    happened = EventLabel(name="loss", table="clean.employment", where="status = 'ended'")
    assert set(label_origins(happened).columns["label"]) == {
        ColumnOrigin("clean.employment", "event_at", True),
        ColumnOrigin("clean.employment", "status", False),
    }
    assert label_origins(DelinquencyLabel(name="late")).columns == {}


def test_a_clean_column_is_made_of_columns_of_files_also_through_views_and_other_tables(tmp_path: Path) -> None:
    through = ACCOUNTS_SQL.replace("opened AS event_at", "o.since AS event_at").replace("person)", "a.person)")
    sql = f"{through.rstrip()} a JOIN owners o ON o.who = a.person\n"
    yaml = YAML.replace("tables:", f"{VIEW}tables:")
    write_source(tmp_path, files={"source.yaml": yaml, "accounts.sql": sql})
    names = ("customers", "accounts", "transactions")
    contracts = {
        f"clean.{name}": load_contract(CHECKOUT / "schemas" / "clean" / f"{name}.yaml", name=f"clean.{name}")
        for name in names
    }
    found = mapping_origins(load_source(tmp_path, "village"), contracts)
    person = ColumnOrigin("accounts", "person", True, is_hashed=True)
    accounts, moved = found["clean.accounts"], found["clean.transactions"]
    assert accounts.columns["customer_id"] == (person,)
    assert accounts.columns["event_at"] == (ColumnOrigin("accounts", "opened", True),)
    assert accounts.columns["currency"] == ()
    assert accounts.rows == (ColumnOrigin("accounts", "person", False, is_hashed=True),)
    assert moved.columns["customer_id"] == (ColumnOrigin("clean.accounts", "customer_id", True),)
    assert moved.columns["direction"] == (ColumnOrigin("bookings", "amount", False),)
    assert moved.columns["amount_minor"] == (ColumnOrigin("bookings", "amount", True),)
    assert set(moved.rows) == {
        ColumnOrigin("bookings", "account", False, is_hashed=True),
        ColumnOrigin("bookings", "kind", False),
        ColumnOrigin("clean.accounts", "account_id", False),
    }
