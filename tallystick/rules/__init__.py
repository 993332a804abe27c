"""Anti-fraud rules at work: which observation is hit by which rule, which rule is held, and what rules are worth.

Here: all rules of a set answered in one projection, the rows of their tables, what rules weigh and how they are judged.
Not here: what a rule means (``spec.rules``), features, storage (a run hands in the functions that read and write).
"""
