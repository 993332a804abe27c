"""The parameters of every run, one frozen class each.

`tally`, Airflow and tests build these values; a job file reads them from its command line (``arguments``). They are
apart from the runs so that parsing a DAG or a command line imports no engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar

from tallystick.errors import DeclarationError
from tallystick.runs.fields import Option, Params


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceParams(Params):
    """What every run on one source is told."""

    source: Annotated[str, Option("the source's name")]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeParams(SourceParams):
    """What every run for one recipe on one source is told."""

    recipe: Annotated[str, Option("the recipe's name")]


# What several runs are told.
FirstDate = Annotated[date | None, Option("first business date (inclusive)", flag="--from")]
LastDate = Annotated[date | None, Option("last business date (inclusive)", flag="--to")]
LookBack = Annotated[int, Option("begin up to so many days earlier, where a row is lacking")]
KnownBy = Annotated[date | None, Option("leave out what became known after this date; default: leave out nothing")]


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestSource(SourceParams):
    """Which source from which directory, or which of its loads again: the one needs ``directory``, the other not."""

    job: ClassVar[str] = "ingest_source"
    needs_spark: ClassVar[bool] = False  # a large delivery opens a session when it needs one

    directory: Annotated[Path | None, Option("the folder of its deliveries")] = None
    load_date: Annotated[
        date | None, Option("business date whose delivery is loaded; of files that lie in no folder of a date, theirs")
    ] = None
    run_date: Annotated[
        date | None, Option("date on which this run happens: what comes late is not known before it")
    ] = None
    known_from: Annotated[
        date | None, Option("load date of all it loads; default: the business date, of what comes late --run-date")
    ] = None
    replay_from: Annotated[date | None, Option("instead: map this landed load and all later ones again")] = None

    def __post_init__(self) -> None:
        SourceParams.__post_init__(self)  # a dataclass with slots has no super() without arguments
        if (self.directory is None) == (self.replay_from is None):
            what = "a directory is loaded, or landed loads are mapped again: one of the two"
            raise DeclarationError(what, fix="say --directory DIR or --replay-from DATE")


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidateTables(SourceParams):
    """What to validate."""

    job: ClassVar[str] = "validate_tables"
    needs_spark: ClassVar[bool] = False

    layer: Annotated[str, Option("whose tables are validated")] = "clean"
    tables: Annotated[tuple[str, ...], Option("may be repeated; default: all the source fills", flag="--table")] = ()
    load_date: Annotated[date | None, Option("date of the results; default: the last load's")] = None
    again: Annotated[bool, Option("look also at tables that were judged before and have not changed")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputeGraph(SourceParams):
    """Which graphs, and from when on their snapshots are built again."""

    job: ClassVar[str] = "compute_graph"
    needs_spark: ClassVar[bool] = False

    graphs: Annotated[tuple[str, ...], Option("may be repeated; default: all that are declared", flag="--graph")] = ()
    first: Annotated[date | None, Option("build all from this date on", flag="--from")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputeFeatures(SourceParams):
    """What to compute, and for which business dates."""

    job: ClassVar[str] = "compute_features"

    recipe: Annotated[str, Option("whose observations, and whose groups where none are named")] = ""
    observations: Annotated[str, Option("a declared set; default: the recipe's, or daily")] = ""
    groups: Annotated[tuple[str, ...], Option("may be repeated", flag="--group")] = ()
    first: FirstDate = None
    last: LastDate = None
    look_back: LookBack = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputeObserved(SourceParams):
    """What to compute, and for whom and when."""

    job: ClassVar[str] = "compute_observed"

    groups: Annotated[tuple[str, ...], Option("may be repeated", flag="--group")]
    observations: Annotated[str, Option("a Parquet or CSV file, or a layer.table")]
    name: Annotated[str, Option("the set's name in the feature tables")]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillFeatures(SourceParams):
    """What to backfill, and how much may be read for it."""

    job: ClassVar[str] = "backfill_features"

    group: Annotated[str, Option("the feature group")]
    first: Annotated[date, Option("first business date", flag="--from")]
    last: Annotated[date, Option("last business date (inclusive)", flag="--to")]
    recipe: Annotated[str, Option("whose observations")] = ""
    observations: Annotated[str, Option("a declared set; default: the recipe's, or daily")] = ""
    missing_only: Annotated[bool, Option("leave days whose values are stale or late")] = False
    max_bytes: Annotated[int | None, Option("stop before the work when it would read more than this")] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildLabels(RecipeParams):
    """Whose labels, and as known when."""

    job: ClassVar[str] = "build_labels"
    needs_spark: ClassVar[bool] = False  # large tables open a session when they need one

    cutoff: Annotated[date | None, Option("what was known on this date; default: the last load")] = None
    keep_newer: Annotated[bool, Option("do nothing where labels as of a later date are stored")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditLeakage(RecipeParams):
    """Whose training set, and as known when."""

    job: ClassVar[str] = "audit_leakage"
    needs_spark: ClassVar[bool] = False

    known_by: KnownBy = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainModel(RecipeParams):
    """Whose model, and from what was known when."""

    job: ClassVar[str] = "train_model"
    needs_spark: ClassVar[bool] = False

    known_by: KnownBy = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AblateDimensions(RecipeParams):
    """Whose dimensions, and by which algorithm."""

    job: ClassVar[str] = "ablate_dimensions"
    needs_spark: ClassVar[bool] = False

    algorithm: Annotated[str, Option("one of the recipe's; default: chosen as the recipe chooses")] = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreObservations(RecipeParams):
    """What to score, and for which business dates."""

    job: ClassVar[str] = "score_observations"

    observations: Annotated[str, Option("a set that the recipe also scores; default: the recipe's own")] = ""
    first: FirstDate = None
    last: LastDate = None
    look_back: LookBack = 0
    known_by: Annotated[date | None, Option("leave what became known later and has no features yet to later runs")] = (
        None
    )
    again: Annotated[bool, Option("of another set than its own: replace also what another version has said")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyRules(SourceParams):
    """Whose rules, and for which business dates."""

    job: ClassVar[str] = "apply_rules"

    observations: Annotated[str, Option("the observation set whose rules are answered")]
    first: FirstDate = None
    last: LastDate = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FitRuleWeights(SourceParams):
    """Whose rules, and on fraud as known when."""

    job: ClassVar[str] = "fit_rule_weights"
    needs_spark: ClassVar[bool] = False

    observations: Annotated[str, Option("the observation set whose rules are weighed")]
    cutoff: Annotated[date | None, Option("fraud confirmed by this date; default: the last load")] = None
    first: FirstDate = None
    last: LastDate = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentParams(SourceParams):
    """What every run for one segmentation on one source is told."""

    segmentation: Annotated[str, Option("the segmentation's name")]


@dataclass(frozen=True, kw_only=True, slots=True)
class FitSegments(SegmentParams):
    """Whose segments, and learned from which date."""

    job: ClassVar[str] = "fit_segments"
    needs_spark: ClassVar[bool] = False

    as_of: Annotated[date | None, Option("business date to learn from; default: the declared or newest one")] = None
    first_only: Annotated[bool, Option("do nothing where a model is in force")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AssignSegments(SegmentParams):
    """Which month ends to assign; without dates those that have no segments yet."""

    job: ClassVar[str] = "assign_segments"
    needs_spark: ClassVar[bool] = False

    first: FirstDate = None
    last: LastDate = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateWatchlist(SourceParams):
    """Which watch list, and which nights; without dates the loaded ones that have scores and no list yet."""

    job: ClassVar[str] = "update_watchlist"
    needs_spark: ClassVar[bool] = False

    watch_list: Annotated[str, Option("the watch list's name")]
    first: FirstDate = None
    last: LastDate = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteReport(RecipeParams):
    """Which recipe on which source."""

    job: ClassVar[str] = "write_report"
    needs_spark: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CompactEvents(SourceParams):
    """Whose tables, and which loads are old."""

    job: ClassVar[str] = "compact_events"

    as_of: Annotated[date, Option("the date from which a load's age is counted")]
    tables: Annotated[tuple[str, ...], Option("such as clean.transactions, may be repeated", flag="--table")] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RebucketSource(SourceParams):
    """Whose tables."""

    job: ClassVar[str] = "rebucket_source"


@dataclass(frozen=True, kw_only=True, slots=True)
class VacuumTables(Params):
    """Whether to look only."""

    job: ClassVar[str] = "vacuum_tables"
    needs_spark: ClassVar[bool] = False

    dry_run: Annotated[bool, Option("tell what would go, and remove nothing")] = False


# Every run there is.
RUNS: tuple[type[Params], ...] = (
    IngestSource,
    ValidateTables,
    ComputeGraph,
    ComputeFeatures,
    ComputeObserved,
    BackfillFeatures,
    BuildLabels,
    AuditLeakage,
    TrainModel,
    AblateDimensions,
    ScoreObservations,
    ApplyRules,
    FitRuleWeights,
    FitSegments,
    AssignSegments,
    UpdateWatchlist,
    WriteReport,
    CompactEvents,
    RebucketSource,
    VacuumTables,
)
