"""The benchmarks: of the feature engine, the first load, a night, the groups of a recipe, and the whole chain.

Here: their data, the programs they compare, and one command each that runs them side by side. Not here: anything that
the pipeline uses.
"""
