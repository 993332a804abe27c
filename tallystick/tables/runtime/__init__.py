"""The Spark runtime: the session, its settings, and Spark's errors as errors of this project.

Here: what Spark needs even if nothing is stored: ``conf/spark-defaults.conf`` filled in, the jars, the check of Java,
errors of the JVM without a row's values. Not here: a table, a path of the warehouse.
"""
