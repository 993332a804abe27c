"""The store: Delta tables of contracts, read at a pinned version and written by one module, ``door``.

Here: the warehouse's paths, schemas, snapshots, the slice that a run owns, the checks and the commit of a write or of
several at once, and reading. Not here: the session (``runtime``), maintenance that changes files but no row
(``upkeep``), a stage.
"""
