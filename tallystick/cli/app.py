"""The commands and their arguments.

Kept apart from the modules that do the work, which are imported only by the command that needs them: ``tally --help``
is fast.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.adding import table_app
from tallystick.cli.answering import commands as answer_commands
from tallystick.cli.backfilling import commands as backfill_commands
from tallystick.cli.date_option import date_option
from tallystick.cli.fraud_rules import rules_app
from tallystick.cli.maintaining import maintain_app
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, open_warehouse
from tallystick.cli.watching import watch_app

if TYPE_CHECKING:
    from tallystick.simulation import Wanted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Credit features, labels, models and scores from raw files.",
)
source_app = typer.Typer(no_args_is_help=True, help="Suppliers and their mappings.")
rejected_app = typer.Typer(no_args_is_help=True, help="Rows that a load did not take.")
features_app = typer.Typer(no_args_is_help=True, help="Declared features.")
app.add_typer(source_app, name="source")
app.add_typer(table_app, name="table")
app.add_typer(rejected_app, name="rejected")
app.add_typer(features_app, name="features")
app.add_typer(rules_app, name="rules")
app.add_typer(maintain_app, name="maintain")
app.add_typer(watch_app, name="watchlist")
features_app.add_typer(backfill_commands)
app.add_typer(answer_commands)

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]
SourcesOption = Annotated[list[str], typer.Option("--source", help="NAME=DIR, may be repeated.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A recipe of the project.")],
    source: SourcesOption,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    load_date: Annotated[
        date | None, date_option("--load-date", help="Load date of a delivery that does not name one.")
    ] = None,
    run_date: Annotated[
        date | None, date_option("--run-date", help="Today's date; needed where a delivery comes late.")
    ] = None,
    first: Annotated[date | None, date_option("--from", help="First business date to observe.")] = None,
    last: Annotated[date | None, date_option("--to", help="Last business date to observe.")] = None,
    look_back: Annotated[
        int, typer.Option(help="With --from: begin up to so many days earlier, where an application lacks its row.")
    ] = 0,
    cutoff: Annotated[date | None, date_option("--cutoff", help="Last date whose outcomes a label may use.")] = None,
    run_id: Annotated[str, typer.Option(help="The same id again repeats nothing.")] = "",
) -> None:
    """Run a recipe from files to scores, in one process and one Spark session."""
    from tallystick.cli.running import run_recipe
    from tallystick.pipeline import Dates

    dates = Dates(load_date=load_date, run_date=run_date, first=first, last=last, look_back=look_back, cutoff=cutoff)
    run_recipe(recipe, source, warehouse=warehouse, project=project, dates=dates, run_id=run_id)


@app.command()
def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Where the bank's files and the warehouse go.")] = Path(
        "demo"
    ),
    customers: Annotated[int, typer.Option(help="Size of the simulated bank.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bank.")] = 7,
    project: ProjectOption = None,
) -> None:
    """Simulate a small bank and run the main job on it."""
    from tallystick.cli.running import run_demo

    run_demo(directory, customers=customers, seed=seed, project=project)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder for the deliveries.")],
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 7,
    until: Annotated[
        date | None, date_option("--until", help="Last day of the history; it is delivered the day after.")
    ] = None,
    months: Annotated[int | None, typer.Option(help="Calendar months of history (21).")] = None,
    days: Annotated[int | None, typer.Option(help="Days of history, in place of months.")] = None,
    daily: Annotated[int, typer.Option(help="Daily deliveries after the history.")] = 0,
    processes: Annotated[int | None, typer.Option(help="Processes (the cores). The files do not depend on it.")] = None,
) -> None:
    """Write the files of a simulated bank."""
    from tallystick.cli.running import run_simulation

    wanted: Wanted = {"customers": customers, "seed": seed, "months": months, "days": days, "daily": daily}
    if until:
        wanted["until"] = until
    run_simulation(out, processes=processes, **wanted)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL (DuckDB); tables are called layer.name.")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    memory: Annotated[str, typer.Option(help="What the query may hold in memory; the rest goes to files.")] = "4GB",
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Query the tables, without Spark. A query can read nothing else."""
    from tallystick.cli.printing import print_table
    from tallystick.tables import query as run_query

    print_table(run_query(open_warehouse(warehouse), query, memory=memory), as_json=json, as_csv=csv, is_exact=True)


@app.command()
def segments(
    name: Annotated[str, typer.Argument(help="A segmentation of the project.")],
    source: Annotated[str, typer.Option("--source", help="The source of the customers.")],
    first: Annotated[date | None, date_option("--from", help="First month end, a first day of a month.")] = None,
    last: Annotated[date | None, date_option("--to", help="Last month end.")] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Fit a new version, though there is a model.")] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Assign customers to segments, month by month; without dates, the months that have none yet."""
    from tallystick.cli.segmenting import make_segments
    from tallystick.pipeline import Dates

    dates = Dates(first=first, last=last)
    make_segments(name, source, dates=dates, refit=refit, warehouse=warehouse, project=project)


@app.command()
def ablate(
    recipe: Annotated[str, typer.Argument(help="A recipe of the project that declares ablations.")],
    source: Annotated[str, typer.Option(help="The source; default: the one its champion learned from.")] = "",
    algorithm: Annotated[str, typer.Option(help="One of the recipe's; default: chosen as the recipe chooses.")] = "",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Measure what each dimension of a recipe's features is worth, for all and for thin files."""
    from tallystick.cli.ablating import ablate_recipe, print_dimensions
    from tallystick.cli.printing import print_table

    found = ablate_recipe(recipe, source, algorithm=algorithm, warehouse=warehouse, project=project, whole=json or csv)
    if json or csv:
        print_table(found, as_json=json, as_csv=csv)
    else:
        print_dimensions(found)


@app.command()
def tables(warehouse: WarehouseOption = DEFAULT_WAREHOUSE, json: JsonOption = False, csv: CsvOption = False) -> None:
    """List the tables with rows, files and version."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.showing import list_tables

    print_table(list_tables(warehouse), as_json=json, as_csv=csv, is_whole=True)


@app.command()
def loads(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List the deliveries: business date, load date, records, state, and the nights that are missing."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.showing import list_deliveries

    print_table(list_deliveries(warehouse, project), as_json=json, as_csv=csv)


@app.command()
def check(project: ProjectOption = None) -> None:
    """Cross-check all declarations of the project."""
    from tallystick.cli.showing import check_declarations

    check_declarations(project)


@source_app.command("check")
def source_check(
    name: Annotated[str, typer.Argument(help="A folder of sources/.")],
    recipe: Annotated[str, typer.Option(help="Also say what this recipe would miss.")] = "",
    project: ProjectOption = None,
) -> None:
    """Say what a mapping lacks, before any data is read, and which recipes can run on the source."""
    from tallystick.cli.showing import check_mapping

    check_mapping(name, project, recipe=recipe)


@source_app.command("list")
def source_list(project: ProjectOption = None, json: JsonOption = False, csv: CsvOption = False) -> None:
    """List the declared sources and the clean tables each one fills."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.showing import list_sources

    print_table(list_sources(project), as_json=json, as_csv=csv)


@rejected_app.command("list")
def rejected_list(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE, json: JsonOption = False, csv: CsvOption = False
) -> None:
    """Count rejected rows by table, load, reason and column."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.showing import list_rejected

    print_table(list_rejected(warehouse), as_json=json, as_csv=csv)


@rejected_app.command("replay")
def rejected_replay(
    source: Annotated[str, typer.Option("--source", help="The source whose loads are mapped again.")],
    first: Annotated[date, date_option("--from", help="The first load date to map again, from its copy.")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Map landed loads again after a mapping was corrected: the load of a date and every later one."""
    from tallystick.cli.running import replay_loads

    replay_loads(source, first, warehouse=warehouse, project=project)


@features_app.command("list")
def features_list(
    group: Annotated[str, typer.Argument(help="Only this group.")] = "",
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List the features with what each means."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.showing import list_features

    print_table(list_features(group, project), as_json=json, as_csv=csv)


@features_app.command("show")
def features_show(
    name: Annotated[str, typer.Argument(help="A feature's name.")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Print the passport of one feature."""
    from tallystick.cli.explaining import show_feature
    from tallystick.cli.printing import print_record

    print_record(show_feature(name, project), as_json=json)


@features_app.command("explain")
def features_explain(
    name: Annotated[str, typer.Argument(help="A feature's name.")],
    as_of: Annotated[
        str, typer.Option("--as-of", help="Work the windows out for this date, or instant with its offset.")
    ] = "",
    source: Annotated[str, typer.Option(help="Whose time zone; default: the first source that fills the table.")] = "",
    customer: Annotated[str, typer.Option(help="With --as-of: the customer_id that goes into the SQL.")] = "",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Print the passport of one feature with its window edges and the SQL that computes it."""
    from tallystick.cli.explaining import explain_feature
    from tallystick.cli.printing import print_record

    print_record(explain_feature(name, project, as_of=as_of, source=source, customer=customer), as_json=json)


@features_app.command("compute")
def features_compute(
    groups: Annotated[list[str], typer.Argument(help="Feature groups.")],
    source: Annotated[str, typer.Option(help="The source of the customers.")],
    observations: Annotated[
        str, typer.Option(help="A declared set; with --name a Parquet or CSV file, or a layer.table.")
    ] = "",
    name: Annotated[str, typer.Option(help="With a file: the set's name in the feature tables.")] = "",
    as_of: Annotated[
        date | None,
        date_option("--as-of", help="One business date; default set: daily, all customers."),
    ] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Compute groups for the observations of a declared set, or of a file."""
    from tallystick.cli.computing import Who, compute_groups

    who = Who(observations=observations, name=name, as_of=as_of)
    compute_groups(groups, source, who=who, warehouse=warehouse, project=project)


@features_app.command("retired")
def features_retired(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List retired and renamed features, since when, and the models that read them."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.retired import list_retired

    print_table(list_retired(warehouse, project), as_json=json, as_csv=csv)
