"""The terms that the report and the model card use, each in one plain sentence, for those that a page shows.

Apart from the sections so that a term has one meaning on every page.
"""

from __future__ import annotations

from collections.abc import Collection

from tallystick.report.blocks import Facts, Section

# By the kept table that uses them.
_WORDS = {
    "performance": (
        ("Bad", "a row whose label says that what is predicted happened; the others are good"),
        ("AUC", "the chance that a bad row is ranked riskier than a good one: 0.5 is chance, 1 is perfect"),
        ("95 % interval", "where the AUC would fall in 95 of 100 draws of as many rows"),
        ("KS", "the largest distance between the shares of bad and of good rows found so far, from risky to safe"),
        ("Gini", "2 x AUC - 1: 0 is chance, 1 is perfect"),
        ("AP", "average precision: the share of bad rows among the riskiest, averaged down the ranking; 1 is perfect"),
        ("Brier", "the mean squared distance of the pd from what happened; lower is better"),
        ("Slope", "calibration slope: 1 fits; below 1 the pds are too extreme, above 1 too timid"),
        ("Out of fold", "each training row predicted by models that had not seen its customer"),
        ("Out of time", "the newest rows, predicted by a model of older ones"),
        ("Held out", "customers drawn at random, predicted by a model of the others"),
        ("pd", "the probability that the row becomes bad, as the model predicts it"),
    ),
    "cohorts": (
        ("Immature", "the time in which the outcome is watched was not over; such rows have no label"),
        ("Indeterminate", "an outcome that is declared to be neither good nor bad"),
        ("Without outcome", "nothing was granted, or no outcome was known in time"),
        ("Excluded", "left out by the label's own condition, or bad already when the time began"),
    ),
    "vintages": (("Vintage", "the rows of one period of as_of"),),
    "weights": (
        ("Effect", "the standard deviation of what the input adds to the log-odds of bad; 0 means it decides nothing"),
        ("Expected risk", "whether a higher value was declared to mean more risk or less; a dash where nothing was"),
        ("Assumed date", "made of rows whose supplier gives no date, which are taken to have been known always"),
    ),
    "stability": (
        ("PSI", "population stability index: how far the shares of rows in ten bins have moved between two sets"),
    ),
}  # fmt: skip

# The same of tables that have these words beside them, in their own section.
_BESIDE = {
    "watch_capacities": (
        ("Capacity", "the share of the ranked loans that has a place on the list"),
        ("Capture", "the share of the loans that went bad which such a list would have held"),
        ("Precision", "the share of such a list that went bad"),
        ("False alarms", "loans on such a list that did not go bad"),
    ),
    "watch_nights": (
        ("Act", "the riskiest on the list, to be called first"),
        ("Watch", "the others on the list"),
        ("Entered", "on this list, and not on the one before"),
        ("Late", "left the list because an instalment is late: collection has the loan now"),
        ("Ended", "left the list because the loan is repaid or over"),
        ("Calmed", "left the list because the loan is no longer among the riskiest and its least stay is over"),
        ("Displaced", "left the list though it had a right to stay: riskier loans with the same right filled it"),
        ("Ranked", "the loans that ran and were not late that night"),
    ),
    "rule_decisions": (
        ("Live", "a rule whose hits count"),
        ("Shadow", "a rule on trial: it is answered and counted, and nobody acts on its hits"),
        ("Held", "a rule that has no answer because data was missing or too old: neither hit nor clear"),
    ),
}  # fmt: skip


def words_beside(table: str) -> Facts:
    """The terms that stand beside a table of a watch list or of rules, by the name of its question."""
    return Facts(rows=_BESIDE[table])


def words_section(shown: Collection[str]) -> Section:
    """The terms of the kept tables that a page shows, by the tables' names; without blocks where there are none."""
    rows = [word for name, words in _WORDS.items() if name in shown for word in words]
    return Section(title="Words on this page", blocks=[Facts(rows=rows)] if rows else [])
