"""What a reader sees of a run: the HTML report, the model card, the data checks and the summary in the terminal.

Here: what a reader is shown and in which order. Not here: storage, the registry, any computing of results. A run
hands over values.
"""

from __future__ import annotations

from tallystick.report.checks_page import checks_questions, describe_checks, describe_overview, overview_question
from tallystick.report.model_card import Origin, render_model_card
from tallystick.report.model_sections import ModelFacts, read_gates, read_model_files
from tallystick.report.page import render_page
from tallystick.report.questions import list_questions
from tallystick.report.rules_section import has_rule_answers, rule_questions
from tallystick.report.run_report import RunFacts, count_features, describe_run
from tallystick.report.terminal import print_page
from tallystick.report.watch_section import list_watch_questions

__all__ = [
    "ModelFacts",
    "Origin",
    "RunFacts",
    "checks_questions",
    "count_features",
    "describe_checks",
    "describe_overview",
    "describe_run",
    "has_rule_answers",
    "list_questions",
    "list_watch_questions",
    "overview_question",
    "print_page",
    "read_gates",
    "read_model_files",
    "render_model_card",
    "render_page",
    "rule_questions",
]
