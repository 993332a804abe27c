"""Graphs of customers as of a date: who is tied to whom by what was visible then, and what is measured at each of them.

Here: the rows of ties with the dates on which they are seen, the edges at a snapshot, values of customers, and the row
of each customer that they give. Not here: what a tie or a graph means (`spec`), algorithms on arrays (`graph`), labels
(a run hands in how earlier loans turned out), storage, feature groups that read the result (`features`).
"""

from __future__ import annotations
