"""The HTML report wears the console's colours; there their contrast is computed."""

import re
from importlib.resources import files

import pytest

from ui.theme import DARK, LIGHT, Tokens

_CSS = files("resources").joinpath("report", "report.css").read_text(encoding="utf-8")
_BLOCKS = re.findall(r":root \{(.*?)\}", _CSS, re.DOTALL)


@pytest.mark.parametrize(("block", "tokens"), [(0, LIGHT), (1, DARK)])
def test_the_reports_colours_are_the_consoles(block: int, tokens: Tokens) -> None:
    colours = dict(re.findall(r"--(\w+): (#\w+);", _BLOCKS[block]))
    del colours["wash"]  # behind a drawing only; the console has no such token yet
    assert len(colours) == 11
    assert colours == {role: getattr(tokens, role) for role in colours}


def test_no_other_colour_is_used() -> None:
    rest = _CSS
    for block in _BLOCKS:
        rest = rest.replace(block, "")
    assert re.findall(r"#[0-9A-Fa-f]{3,6}\b|rgba?\(", rest) == []
