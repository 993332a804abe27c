"""Words: every module and public thing says what it is; silenced checks say why.

Only what a test can decide stands here; taste is for a reader.
"""

from __future__ import annotations

import ast
import re

from tests.lib import house


def test_every_module_says_what_it_does() -> None:
    modules = house.sources("tallystick", "jobs", "dags", "scripts", "benchmarks")
    found = [source.path for source in modules if len((ast.get_docstring(source.tree) or "").split()) < 5]
    assert not found, house.listed(found)


def test_every_folder_says_once_what_belongs_in_it() -> None:
    found = []
    for source in house.sources("tallystick", "benchmarks"):
        text = " ".join((ast.get_docstring(source.tree) or "").split())
        if source.path.endswith("/__init__.py") and not ("Here: " in text and "Not here: " in text):
            found.append(f'{source.path}: write "Here: ... Not here: ..." into its docstring')
    assert not found, house.listed(found)


def test_every_test_module_has_a_docstring() -> None:
    found = [
        source.path
        for source in house.sources("tests", "features", "observations", "recipes")
        if not ast.get_docstring(source.tree) and source.text.strip()
    ]
    assert not found, house.listed(found)


def test_no_module_repeats_what_its_folder_says() -> None:
    modules = house.sources(*house.CODE, "tests")
    found = [source.path for source in modules if "What lives here" in (ast.get_docstring(source.tree) or "")]
    assert not found, f"say what the module does and why it is kept apart: {house.listed(found)}"


def test_every_public_function_and_class_has_a_docstring() -> None:
    found = [
        f"{source.at(node)} {name}"
        for source in house.sources("tallystick", "scripts", "jobs")
        for name, node in house.public_definitions(source)
        if not ast.get_docstring(node) and not {"overload", "override"} & house.decorator_names(node)
    ]
    assert not found, house.listed(found)


# Turns of phrase that the field does not use, each with what to write instead. A reader who learnt English as a third
# language stops at them. New ones are added when a reader stops.
IDIOMS = {
    r"in vain": "say what does not exist or did not happen",
    r"dealt": "assigned, moved",
    r"by itself": "alone, on its own",
    r"(is|are|was|were) told of": "is told about, is reported",
    r"gives? way": "is replaced",
    r"the very": "the same, exactly",
    r"at hand": "here, available",
    r"yardstick": "reference",
    r"lies? there": "is there",
    r"content with": "accepts",
    r"for ever": "always, permanently",
    r"bends?": "distort",
    r"honest": "unbiased",
    r"hand-over": "passes, calls",
    r"anew": "again",
    r"once more": "again",
    r"waste": "unused files",
    r"speaks? of": "names, is about",
    r"mend(s|ed|ing)?": "correct, repair",
    r"foretell": "predict",
    r"swept|sweeps?": "removed",
    r"what became of": "what happened to",
    r"forgivingly": "say what is accepted",
}


def test_plain_words_are_used() -> None:
    found = []
    any_idiom = re.compile(rf"\b({'|'.join(IDIOMS)})\b", re.IGNORECASE)
    for path in house.text_files():
        name = path.relative_to(house.ROOT).as_posix()
        if path.suffix not in {".py", ".md"} or name.startswith(("tests/", "docs/adr/")):
            continue  # a decision keeps the words of its day
        # One search of all lines for all idioms: few lines have one, and each idiom is then sought in these alone.
        lines = filter(
            lambda numbered: any_idiom.search(numbered[1]),
            enumerate(path.read_text(encoding="utf-8").splitlines(), start=1),
        )
        for number, line in lines:
            for idiom, better in IDIOMS.items():
                if re.search(rf"\b({idiom})\b", line, re.IGNORECASE):
                    found.append(f"{name}:{number} {idiom!r}: write {better}")
    assert not found, house.listed(found)


def test_docstrings_leave_types_to_the_annotations() -> None:
    field = re.compile(r"^\s*:(type|param|rtype|returns?)\b", re.MULTILINE)
    found = [
        f"{source.at(node)} {name}"
        for source in house.sources(*house.CODE)
        for name, node in house.public_definitions(source)
        if field.search(ast.get_docstring(node) or "")
    ]
    assert not found, house.listed(found)


def test_every_silenced_check_names_its_code_and_its_reason() -> None:
    # `type: ignore[code]` needs no text: its code says which of the checker's limits it meets (mypy wants the code).
    silenced = re.compile(r"#\s*(noqa|pragma: no cover)(?P<rest>.*)$")
    whole = re.compile(r"(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)?\s*(#|-|:)\s*\w+\s+\w+")
    found = []
    for source in house.sources(*house.CODE):
        for number, line in enumerate(source.text.splitlines(), start=1):
            match = silenced.search(line)
            if match and "re.compile" not in line and not whole.match(match["rest"]):
                found.append(f"{source.path}:{number} {match[0]}")
    assert not found, house.listed(found)


def test_tests_that_are_skipped_or_expected_to_fail_say_why() -> None:
    found = []
    for source in house.sources("tests"):
        for node in house.nodes(source.tree):
            if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail"}:
                line = source.text.splitlines()[node.lineno - 1 : (node.end_lineno or node.lineno) + 4]
                if not re.search(r"reason=|skip\(\s*f?[\"']|skip\($", "\n".join(line)):
                    found.append(source.at(node))
    assert not found, house.listed(found)


def test_tests_are_plain_functions() -> None:
    found = [
        f"{source.at(node)} {node.name}"
        for source in house.sources("tests")
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    ]
    assert not found, house.listed(found)
