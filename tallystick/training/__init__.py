"""From labelled feature vectors to a model, its numbers and its plots.

Here: functions that take pandas and NumPy and return values. Not here: storage, the registry, Spark.
"""
