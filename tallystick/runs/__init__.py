"""What each run does, apart from how it is started: one module per run, with one function ``run(params, session)``.

Here: joining stored tables and the model registry to the stages, and the parameters of every run (``params``).
Not here: how a run is started (``jobs/``, ``cli``, ``orchestration``), the work of a stage.
"""
