"""Looking at a run: the HTML report, the model card and the summary in the terminal.

Here: what a reader is shown and in which order. Not here: storage, the registry, any computing of results. A job
hands over values.
"""

from __future__ import annotations

from tallystick.monitoring.model_sections import ModelFacts, describe_model_card, read_model_files
from tallystick.monitoring.packaging import OUTPUTS, describe_manifest, list_requirements, list_run_files
from tallystick.monitoring.page import render_page
from tallystick.monitoring.questions import list_questions
from tallystick.monitoring.run_report import RunFacts, count_features, describe_run
from tallystick.monitoring.terminal import print_page

__all__ = [
    "OUTPUTS",
    "ModelFacts",
    "RunFacts",
    "count_features",
    "describe_manifest",
    "describe_model_card",
    "describe_run",
    "list_questions",
    "list_requirements",
    "list_run_files",
    "print_page",
    "read_model_files",
    "render_page",
]
