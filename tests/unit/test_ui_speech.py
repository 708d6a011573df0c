"""Texts in two languages: what is said, and that no converted module has a text that is not."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from ui.speech import SPOKEN, Language, later, speak, spoken, table_of, tr

ROOT = Path(__file__).parents[2]
# Modules whose texts are said with `tr`. A module that has been converted is added here.
CONVERTED = [
    "ui/action_words.py",
    "ui/attention.py",
    "ui/key_page.py",
    "ui/preferences.py",
    "ui/shortcut_editor.py",
    "ui/shortcut_parts.py",
    "ui/shortcut_plan.py",
    "ui/sounds.py",
    "ui/stick_page.py",
    "ui/whom_page.py",
]
MARKS = ("tr", "later")
# What looks like a text and is none: names of Qt, of files and of things that are called the same
# in every language.
NAMES = {"English", "Deutsch", "Unstick", "Esc", "Enter", "Space", "pip install 'unstick[sound]'"}
# Calls whose texts are for the log, for programs, or for whoever writes a module.
SILENT = {"debug", "info", "warning", "exception", "error", "getLogger", "setProperty", "property"}


@pytest.fixture(autouse=True)
def english_after() -> Iterator[None]:
    """Whatever a test speaks, the next one hears English."""
    yield
    speak(Language.ENGLISH)


def test_german_is_said_after_it_was_chosen_and_english_before() -> None:
    assert tr("Preferences") == "Preferences"
    assert speak(Language.GERMAN) is Language.GERMAN
    assert (tr("Preferences"), spoken()) == ("Einstellungen", Language.GERMAN)


def test_values_stand_where_the_language_wants_them() -> None:
    speak(Language.GERMAN)
    assert tr("{robots} asks for help", robots="rover-07") == "rover-07 bittet um Hilfe"


def test_what_a_table_lacks_is_said_in_english() -> None:
    speak(Language.GERMAN)
    assert tr("There is no such text") == "There is no such text"
    assert later("There is no such text") == "There is no such text"


@pytest.mark.parametrize(
    ("system", "language"),
    [("de_AT", "de"), ("de", "de"), ("en_GB", "en"), ("fr_FR", "en"), ("C", "en"), ("", "en")],
)
def test_the_system_is_followed_where_it_speaks_one_of_them(system: str, language: str) -> None:
    assert speak(Language.SYSTEM, system) == language


# --- the tables -----------------------------------------------------------------------------------


def tree_of(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def called(node: ast.AST) -> str:
    """The last name of what is called."""
    func = node.func if isinstance(node, ast.Call) else None
    return getattr(func, "id", "") or getattr(func, "attr", "")


def marked(module: str) -> set[str]:
    """The texts that `tr` and `later` are given."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call) and called(node) in MARKS and node.args:
            text = node.args[0]
            if isinstance(text, ast.Constant):
                found.add(text.value)
            elif called(node) == "later":
                pytest.fail(f"{module}:{node.lineno}: later() wants the text itself")
    return found


def unmarked(module: str) -> list[str]:
    """Texts for people that are not marked, with their lines."""
    found = []

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.Call) and called(node) in {*MARKS, *SILENT}:
            for value in node.keywords if called(node) in MARKS else ():
                walk(value)
            return
        if isinstance(node, ast.Assert | ast.Raise):
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if looks_like_text(text):
                found.append(f"{module}:{node.lineno}: {text!r} is said without tr()")
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(tree_of(module))
    return found


def looks_like_text(text: str) -> bool:
    """Two words, or one that begins as a sentence does."""
    if text in NAMES or text.startswith("#") or not re.search("[A-Za-z]{2}", text):
        return False
    return bool(re.search("[A-Za-z]{2,} [A-Za-z]", text) or re.fullmatch("[A-Z][a-z]{2,}…?", text))


@pytest.mark.parametrize("module", CONVERTED)
def test_every_text_of_a_converted_module_is_marked(module: str) -> None:
    assert unmarked(module) == []


def test_what_looks_like_a_text_is_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        '"""A docstring of words."""\n'
        'label("Not moving yet")\nlabel(tr("Moving now"))\nlog.info("a log line")\n'
        'button("Close")\nicon("tick")\nraise ValueError("some words here")\n'
        'tr("{what} is gone", what="the pad")\n'
    )
    lines = [line.split(":", 2)[1] for line in unmarked(str(path))]
    assert lines == ["2", "5", "8"]


def test_no_text_stands_twice_in_a_table() -> None:
    for language in SPOKEN[1:]:
        text = (ROOT / "resources" / "texts" / f"{language}.toml").read_text(encoding="utf-8")
        tables = tomllib.loads(text)
        assert sum(map(len, tables.values())) == len(table_of(language))


@pytest.mark.parametrize("language", SPOKEN[1:])
def test_a_table_has_every_text_and_no_other(language: Language) -> None:
    said = set().union(*map(marked, CONVERTED))
    table = table_of(language)
    assert sorted(said - set(table)) == []
    assert sorted(set(table) - said) == []


@pytest.mark.parametrize("language", SPOKEN[1:])
def test_a_translation_has_the_values_of_its_text(language: Language) -> None:
    def values(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in Formatter().parse(text) if name)

    for english, said in table_of(language).items():
        assert values(said) == values(english), english
        assert said.strip()
