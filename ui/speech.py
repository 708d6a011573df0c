"""Texts in the operator's language: English as it stands in the code, others from a table.

Pure: it knows neither Qt nor the system, so that modules which make words can use it. `tr` says a
text in the language in use, `later` only marks one for the table: for constants, which are made
before a language is chosen and are said with `tr` where they are shown. The tables are
`resources/texts/LANGUAGE.toml`; `tests/unit/test_ui_speech.py` walks the modules that have been
converted and names what is missing in a table, and what nobody says any more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final


class Language(StrEnum):
    """What texts can be said in; `SYSTEM` is whichever of them the system speaks, else English."""

    SYSTEM = "system"
    ENGLISH = "en"
    GERMAN = "de"


SPOKEN: Final = (Language.ENGLISH, Language.GERMAN)


class _Speaker:
    """The language in use: one for the whole program, as the operator is one."""

    def __init__(self) -> None:
        self.language = Language.ENGLISH
        self.table: Mapping[str, str] = {}


_speaker = _Speaker()


def speak(language: Language, system: str = "") -> Language:
    """Say all texts in `language` from now on; returns which it is.

    `system` is the name of the system's locale, as "de_AT", for `Language.SYSTEM`.
    """
    if language is Language.SYSTEM:
        spoken = system.partition("_")[0].casefold()
        language = next((each for each in SPOKEN if each == spoken), Language.ENGLISH)
    _speaker.language = language
    _speaker.table = {} if language is Language.ENGLISH else table_of(language)
    return language


def spoken() -> Language:
    """The language in use."""
    return _speaker.language


def tr(text: str, **values: object) -> str:
    """`text` in the language in use, with `values` where it has their names in braces.

    A text that the table lacks is said in English.
    """
    said = _speaker.table.get(text, text)
    return said.format(**values) if values else said


def later(text: str) -> str:
    """`text` as it is, marked for the tables; `tr` says it when it is shown."""
    return text


@cache
def table_of(language: Language) -> Mapping[str, str]:
    """English texts and what they are in `language`."""
    text = files("resources").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {english: said for table in tables.values() for english, said in table.items()}
