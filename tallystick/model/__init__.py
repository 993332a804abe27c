"""One model, from labelled vectors to a registered version: fit, evaluate, write down, register.

Here: algorithms and their fitting (``fitting`` and one file per algorithm), the one evaluator
(``evaluation``), the tables that compare models (``comparisons``), the model as text (``export``), the file that scores
with it (``scorer``), and the registry. Not here: storage, and how a training set comes about (``training``).

Only ``registry`` and ``scorer`` know MLflow. Stages import neither: a run hands them what they need.
"""
