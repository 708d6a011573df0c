"""The HTML report: one page that loads nothing, escapes everything and can be read without eyes."""

import base64
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from recorder.markup import Markup, element, joined, printable
from recorder.report_html import report_html
from recorder.report_parts import verdict_chip
from recorder.verdict import Kind
from tests.unit.report_support import (
    HOSTILE,
    a_whole_run,
    against_a_baseline,
    entry,
    hostile_run,
    name,
    png,
    report,
)

VOID = {"meta", "img", "br"}
TAGS = set(
    re.findall(
        r"\w+",
        "html head meta title style body main header section footer h1 h2 p div span bdi a ul li "
        "dl dt dd table caption thead tbody tr th td details summary figure figcaption img "
        "svg defs pattern path rect line circle text",
    )
)
LOADS = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}


class Node:
    """One element as a browser sees it."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: "Node | None") -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Node] = []
        self.own = ""

    def __iter__(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child

    def all(self, tag: str) -> list["Node"]:
        return [node for node in self if node.tag == tag]

    @property
    def text(self) -> str:
        return self.own + "".join(child.text for child in self.children)


class Reader(HTMLParser):
    """Builds the tree and insists that every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Node("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {key: value or "" for key, value in attrs}, self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.own += data


def read(raw: bytes) -> Node:
    reader = Reader()
    reader.feed(raw.decode())
    reader.close()
    assert reader.at is reader.root, "everything is closed"
    return reader.root


def page_of() -> Node:
    return read(report_html(a_whole_run()))


# --- it loads nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["plain", *HOSTILE])
def test_it_loads_nothing_and_runs_nothing(text: str) -> None:
    page = read(report_html(hostile_run(text)))
    assert {node.tag for node in page if node.tag} <= TAGS
    for node in page:
        assert not [key for key in node.attributes if key.startswith("on") or key == "style"]
        for key in LOADS & set(node.attributes):
            assert re.match(r"#e\d+$|data:image/png;base64,", node.attributes[key])
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_the_browser_is_told_to_load_nothing_either() -> None:
    policies = [
        node.attributes["content"]
        for node in page_of().all("meta")
        if node.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


# --- it escapes everything -----------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_shown_as_it_is_and_builds_nothing(text: str) -> None:
    plain, page = (read(report_html(hostile_run(t))) for t in ("plain", text))
    assert [node.tag for node in page] == [node.tag for node in plain], "the same elements"
    shown = [node.text for node in page.all("bdi")]
    assert printable(text) in shown


def test_a_name_in_another_direction_turns_nothing_around() -> None:
    """What came from data stands in <bdi>, or in an attribute."""
    text = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe"
    for node in read(report_html(hostile_run(text))):
        if "\N{RIGHT-TO-LEFT OVERRIDE}" in node.own:
            assert node.tag in ("bdi", "title", "text")


def test_what_no_document_can_hold_is_replaced() -> None:
    assert printable("a\0b\x1b[2Jc\ud800d\x85") == "a�b�[2Jc�d�"
    assert printable("tab\tline\nø 🤖") == "tab\tline\nø 🤖"


def test_only_markup_is_not_escaped() -> None:
    assert element("p", "<b>", class_='"x"') == '<p class="&quot;x&quot;">&lt;b&gt;</p>'
    assert element("p", element("b", "&")) == "<p><b>&amp;</b></p>"
    assert joined("<", Markup("<br>")) == "&lt;<br>"
    assert element("line", stroke_width=1.25, x1=2.0) == '<line stroke-width="1.2" x1="2"></line>'


# --- what it shows -------------------------------------------------------------------------------


def test_the_sentence_stands_on_top() -> None:
    page = page_of()
    lead = [node.text for node in page.all("p")][:3]
    assert lead[0] == "32 of 36 proved, 95 % interval 75 to 96 %"
    assert lead[1] == "3 more could not be judged; 1 could not be read."
    assert lead[2].startswith("Exit code 2: at least one could not be judged.")
    assert page.all("title")[0].text.startswith("Replay report: 32 of 36 proved")


def test_every_episode_is_in_the_table_the_worst_first() -> None:
    run = a_whole_run()
    (table,) = [
        node for node in page_of().all("table") if node.all("caption")[0].text.startswith("Every")
    ]
    rows = table.all("tbody")[0].all("tr")
    assert len(rows) == len(run.entries)
    chips = [row.all("span")[0].text for row in rows]
    assert chips[:4] == ["PREDICATE_FAULT", "LABEL_FAULT", "DIVERGED", "NOT_APPLIED"]
    assert chips[-1] == "EXACT"
    label_fault = rows[1].text
    for said in (
        "Probably: Actions stand one row late.",
        "Try: Shift the column action by -1 and validate again.",
        "step 1, tick 3201: rover heading off by 12.1 mrad, limit 8.7 mrad",
        "2 lint findings",
    ):
        assert said in label_fault


def test_what_was_not_replayed_is_not_said_to_agree() -> None:
    page = read(report_html(report(entry(Kind.NOT_APPLIED), entry(Kind.EXACT))))
    cells = [n.text for n in page.all("td") if n.attributes.get("class") == "where"]
    assert cells == ["not replayed", "none"]


def test_a_failing_episode_has_its_curve_and_its_pictures_open() -> None:
    details = {node.all("bdi")[0].text: node for node in page_of().all("details")}
    diverged = details[name(34)]
    assert "open" in diverged.attributes
    pictures = [node.attributes for node in diverged.all("img")]
    assert [base64.b64decode(one["src"].partition(",")[2]) for one in pictures] == [
        png(96, 72, (80, 96, 120)),
        png(96, 72, (120, 96, 80)),
    ]
    assert [one["alt"] for one in pictures] == [
        "What camera front saw at step 212, recorded.",
        "What camera front saw at step 212, replayed.",
    ]
    assert any("first divergence: step 212" in svg.text for svg in diverged.all("svg"))
    assert "open" not in details[name(1)].attributes


def test_links_lead_to_the_details_of_their_episode() -> None:
    page = page_of()
    for link in page.all("a"):
        target = link.attributes["href"].removeprefix("#")
        (found,) = [node for node in page.all("details") if node.attributes["id"] == target]
        assert found.all("bdi")[0].text == link.text


def test_with_a_baseline_it_shows_what_changed() -> None:
    page = read(report_html(against_a_baseline()))
    (table,) = [
        node for node in page.all("table") if node.all("caption")[0].text.startswith("Verdicts")
    ]
    rows = [[cell.text for cell in row.children] for row in table.all("tbody")[0].all("tr")]
    assert rows[0][:4] == ["worse", name(31), "EXACT", "SEMANTIC"]
    assert rows[2][:4] == ["gone", name(77), "EXACT", "none"]
    assert "2 worse, 1 gone, 1 better, 1 new, 35 the same" in page.text


def test_a_run_without_episodes_is_a_page_too() -> None:
    assert "None were replayed" in read(report_html(report())).text


# --- it can be read without eyes, and without colours --------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_a_verdict_is_a_shape_and_a_word(kind: Kind) -> None:
    chip = read(verdict_chip(kind).encode())
    assert chip.text.strip() == kind
    assert len(chip.all("svg")) == 1


def test_verdicts_of_different_weight_have_different_shapes() -> None:
    shapes = {kind: read(verdict_chip(kind).encode()).all("path") for kind in Kind}
    drawn = {
        kind: tuple(p.attributes["d"] for p in paths) or "circle" for kind, paths in shapes.items()
    }
    assert drawn[Kind.LABEL_FAULT] == drawn[Kind.DIVERGED] == drawn[Kind.PREDICATE_FAULT]
    assert len(set(drawn.values())) == len(Kind) - 2


def test_everything_drawn_says_what_it_shows() -> None:
    for page in (page_of(), read(report_html(against_a_baseline()))):
        for svg in page.all("svg"):
            if svg.attributes.get("aria-hidden") != "true":
                assert svg.attributes["role"] == "img"
                assert svg.attributes["aria-label"] == svg.all("title")[0].text != ""
        assert all(img.attributes["alt"] for img in page.all("img"))


def test_tables_have_a_caption_and_headings_with_a_scope() -> None:
    page = page_of()
    for table in page.all("table"):
        assert table.children[0].tag == "caption"
        assert all(th.attributes["scope"] in ("row", "col") for th in table.all("th"))
    assert page.all("html")[0].attributes["lang"] == "en"
