"""The benchmark of the feature engine.

Here: its data, the programs it compares, and the one command that runs them side by side. Not here: anything that the
pipeline uses.
"""
