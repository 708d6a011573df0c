"""The review of a small library: list, pictures at the same step, lanes, labels, keys."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from recorder.episode import LOG_FILE
from recorder.library import open_episode
from recorder.listing import NOT_REPLAYED, OUT_OF_DATE
from recorder.tombstone import Why, read_tombstones
from recorder.verdict import Kind
from tests.console.review_library import make_library
from tests.unit.library_support import fill, pattern
from tests.unit.recorder_support import number_of, record
from transport.messages import Outcome
from ui.review_desk import Desk
from ui.review_film import ReplayFilm
from ui.review_page import ReviewPage
from ui.review_state import PAGE
from ui.review_window import ReviewWindow
from ui.theme import Theme

WORKER = (sys.executable, "-m", "tests.console.review_worker")
SILENT = (sys.executable, "-c", "import time; time.sleep(600)")  # not even at its end
DYING = (sys.executable, "-c", "import sys; sys.stdin.readline()")
NOW = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
PATIENCE_MS = 30_000

Opens = Callable[..., ReviewPage]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_library(tmp_path_factory.mktemp("review"))


@pytest.fixture
def library(made: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    root = shutil.copytree(made["exact"].parent, tmp_path / "library")
    return {name: root / path.name for name, path in made.items()}


@pytest.fixture
def opens(qtbot: QtBot, theme: Theme) -> Iterator[Opens]:
    """Opens the review of a library; the episode of this folder is chosen."""
    windows: list[ReviewWindow] = []

    def open_(folder: Path, command: tuple[str, ...] = WORKER) -> ReviewPage:
        film = partial(ReplayFilm, command=command)
        desk = Desk(folder.parent, behind=WORKER)
        window = ReviewWindow(folder.parent, theme, desk=desk, make_film=film, now=lambda: NOW)
        windows.append(window)
        page = window.page
        window.resize(1920, 1080)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        qtbot.waitUntil(lambda: bool(page.library.model.listed), timeout=PATIENCE_MS)
        if (folder / LOG_FILE).exists():
            choose(qtbot, page, folder)
        return page

    yield open_
    for window in windows:
        window.close()
        window.deleteLater()


def choose(qtbot: QtBot, page: ReviewPage, folder: Path) -> None:
    listed = [one.folder for one in page.library.model.listed]
    page.library.choose(listed.index(folder.name))
    shows = partial(_shows, page, folder)
    qtbot.waitUntil(shows, timeout=PATIENCE_MS)


def _shows(page: ReviewPage, folder: Path) -> bool:
    return page.opened is not None and page.opened.path == folder


def pixels(image: QImage | None) -> np.ndarray:
    assert image is not None
    whole = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(whole.constBits(), np.uint8).reshape(whole.height(), -1)
    return rows[:, : whole.width() * 3].reshape(whole.height(), whole.width(), 3).copy()


def shown_row(page: ReviewPage) -> int:
    return number_of(pixels(page.pair.recorded.image))


def folders(page: ReviewPage) -> list[str]:
    return [one.folder for one in page.library.model.listed]


# --- the list -------------------------------------------------------------------------------------


def test_the_list_has_every_episode_newest_first_with_its_verdict(
    opens: Opens, library: dict[str, Path]
) -> None:
    page = opens(library["exact"])
    names = ("none", "outdated", "unverifiable", "late", "exact")
    assert folders(page) == [library[name].name for name in names]
    chips = [page.library.model.row(number).verdict.word for number in range(5)]
    expected = ["NOT REPLAYED", "OUT OF DATE", "UNVERIFIABLE", "LABEL_FAULT", "EXACT"]
    assert chips == expected


@pytest.mark.parametrize(
    ("verdict", "names"),
    [
        (Kind.LABEL_FAULT.value, ["late"]),
        (NOT_REPLAYED, ["none"]),
        (OUT_OF_DATE, ["outdated"]),
    ],
)
def test_the_list_is_narrowed_to_a_verdict(
    opens: Opens, library: dict[str, Path], qtbot: QtBot, verdict: str, names: list[str]
) -> None:
    page = opens(library["exact"])
    page.library.narrow(verdict=verdict)
    expected = [library[name].name for name in names]
    qtbot.waitUntil(lambda: folders(page) == expected, timeout=PATIENCE_MS)


def test_the_list_is_narrowed_to_an_outcome_and_to_what_is_typed(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    page.library.narrow(outcome=Outcome.FAILURE.value)
    only = [library["outdated"].name]
    qtbot.waitUntil(lambda: folders(page) == only, timeout=PATIENCE_MS)
    page.library.narrow(outcome="")
    qtbot.waitUntil(lambda: len(folders(page)) == 5, timeout=PATIENCE_MS)
    qtbot.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.library.search.hasFocus()
    qtbot.keyClicks(page.library.search, "vase ROVER")
    qtbot.waitUntil(lambda: folders(page) == only, timeout=PATIENCE_MS)


def test_a_filter_in_force_is_a_chip_that_can_be_removed(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    page.library.narrow(outcome=Outcome.FAILURE.value)
    chip = page.library.chips.chips["outcome"]
    assert (chip.text(), chip.x()) == ("failure", 0)  # it comes first
    qtbot.waitUntil(lambda: len(folders(page)) == 1, timeout=PATIENCE_MS)
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, pos=QPoint(chip.width() - 8, 12))
    assert chip.text() == "Outcome: any"
    qtbot.waitUntil(lambda: len(folders(page)) == 5, timeout=PATIENCE_MS)
    page.library.narrow(outcome=Outcome.FAILURE.value)
    qtbot.keyClick(chip, Qt.Key.Key_Delete)
    assert page.library.filters.outcome == ""


def test_days_count_from_today(opens: Opens, library: dict[str, Path], qtbot: QtBot) -> None:
    page = opens(library["exact"])  # it is 6 March, recorded were 1 to 5 March
    page.library.narrow(days="1")
    qtbot.waitUntil(lambda: folders(page) == [], timeout=PATIENCE_MS)
    page.library.narrow(days="7")
    qtbot.waitUntil(lambda: len(folders(page)) == 5, timeout=PATIENCE_MS)


def test_the_rate_at_the_foot_is_of_what_the_list_is_narrowed_to(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    foot = page.library
    qtbot.waitUntil(lambda: foot.verified.text() == "1 of 2 verified", timeout=PATIENCE_MS)
    assert foot.interval.text().endswith("% (95 %), 3 not judged")
    foot.narrow(verdict=Kind.LABEL_FAULT.value)
    qtbot.waitUntil(lambda: foot.verified.text() == "0 of 1 verified", timeout=PATIENCE_MS)


def test_a_long_library_comes_page_by_page(opens: Opens, qtbot: QtBot, tmp_path: Path) -> None:
    episode, verdict = pattern(tmp_path / "pattern")
    root = tmp_path / "long"
    root.mkdir()
    fill(root, episode.manifest, verdict, range(PAGE + 20))
    newest = sorted(path for path in root.iterdir() if path.is_dir())[-1]
    page = opens(newest)
    assert len(folders(page)) == PAGE
    assert "220" in page.library.heading.count
    page.library.view.scrollToBottom()
    page.library.model.fetchMore(page.library.view.rootIndex())
    qtbot.waitUntil(lambda: len(folders(page)) == PAGE + 20, timeout=PATIENCE_MS)
    assert folders(page) == sorted(folders(page), reverse=True)


# --- the two pictures -----------------------------------------------------------------------------


def test_both_pictures_are_of_the_same_step(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    tape = page.opened.tape if page.opened is not None else None
    assert tape is not None
    for step in (0, 60, 150):
        page.seek(tape.second_of(step))
        row = tape.row_at(tape.second_of(step))
        qtbot.waitUntil(
            lambda row=row: page.pair.recorded.image is not None and shown_row(page) == row,
            timeout=PATIENCE_MS,
        )
        states = open_episode(library["exact"]).states()
        far = int(states[tape.first + step][0] * 100)
        qtbot.waitUntil(
            lambda far=far: (
                page.pair.replay_view.image is not None
                and int(pixels(page.pair.replay_view.image)[0, 0, 0]) == far
            ),
            timeout=PATIENCE_MS,
        )
        assert f"step {step:,}" in page.pair.recorded.face.detail
        assert f"step {step:,}" in page.pair.replay_view.face.detail


def test_the_other_camera_is_an_inset_of_the_same_row_once_the_playhead_rests(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    qtbot.waitUntil(lambda: page.replayed is not None, timeout=PATIENCE_MS)
    assert page.opened is not None
    at_s = page.opened.tape.second_of(60)
    page.seek(at_s)
    assert page.pair.recorded.inset is None  # of another moment
    row = page.opened.tape.row_at(at_s)
    qtbot.waitUntil(lambda: page.pair.recorded.inset is not None, timeout=PATIENCE_MS)
    assert number_of(pixels(page.pair.recorded.inset)) == row
    qtbot.waitUntil(lambda: page.pair.replay_view.inset is not None, timeout=PATIENCE_MS)
    page.choose_camera(1)
    assert page.pair.inset == "front"


def test_outside_the_replay_its_frame_says_so(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    qtbot.waitUntil(lambda: page.pair.replay_view.image is not None, timeout=PATIENCE_MS)
    page.seek(0.0)
    assert page.pair.replay_view.face.missing == "Not replayed here"
    assert "starts at the takeover" in page.pair.replay_view.face.why
    assert page.pair.replay_view.image is None


def test_without_a_robot_the_frame_of_the_replay_says_why(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"], (sys.executable, "-m", "teleop", "replay-film"))
    qtbot.waitUntil(lambda: page.pair.replay_view.face.missing == "No replay", timeout=PATIENCE_MS)
    assert "No robot of type 'rover'" in page.pair.replay_view.face.why
    qtbot.waitUntil(lambda: page.pair.recorded.image is not None, timeout=PATIENCE_MS)


def test_a_replay_that_never_answers_disturbs_nobody(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"], SILENT)
    assert page.pair.replay_view.face.missing == "Replaying…"
    qtbot.waitUntil(lambda: page.pair.recorded.image is not None, timeout=PATIENCE_MS)
    before = shown_row(page)
    qtbot.keyClick(page, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: shown_row(page) == before + 1, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: page.pair.film._process is not None, timeout=PATIENCE_MS)
    process = page.pair.film._process
    assert process is not None
    page.window().close()
    assert process.poll() is not None  # it is ended with the page


def test_a_replay_whose_process_dies_is_told(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"], DYING)
    qtbot.waitUntil(lambda: page.pair.replay_view.face.missing == "No replay", timeout=PATIENCE_MS)
    assert "process ended" in page.pair.replay_view.face.why


# --- the lanes ------------------------------------------------------------------------------------


def test_a_click_into_the_lanes_sets_the_playhead(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    x = round(page.lanes.x_of(3.0))
    qtbot.mouseClick(page.lanes, Qt.MouseButton.LeftButton, pos=QPoint(x, 60))
    assert page.playback.at_s == pytest.approx(3.0, abs=0.01)
    assert page.bar.at.text() == f"{page.playback.at_s:.2f} s"


def test_wrong_labels_are_found_and_f_goes_to_the_first(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["late"])
    qtbot.waitUntil(lambda: page.replayed is not None, timeout=PATIENCE_MS)
    assert page.replayed is not None
    assert page.opened is not None
    assert page.opened.verdict is not None
    wrong = sum(last - first + 1 for first, last in page.replayed.failing)
    step = page.opened.verdict.evidence.one_step
    assert step is not None
    assert wrong == step.failed > 0
    qtbot.keyClick(page, Qt.Key.Key_F)
    first = page.replayed.failing[0][0]
    assert page.playback.at_s == page.opened.tape.second_of(first)


def test_what_the_replay_is_off_by_stands_on_its_picture(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["late"])
    qtbot.waitUntil(lambda: page.replayed is not None, timeout=PATIENCE_MS)
    assert page.opened is not None
    assert page.replayed is not None
    off_m = page.replayed.off_m()
    step = int(off_m.argmax())
    page.seek(page.opened.tape.second_of(step))
    assert page.pair.replay_view.face.differs == f"{off_m.max() * 1e3:.1f} mm from the recording"


# --- labels ---------------------------------------------------------------------------------------


def test_a_label_is_kept_beside_the_sealed_files_and_the_verdict_is_then_out_of_date(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    path = library["exact"]
    sealed = {file.name: sha256(file.read_bytes()).hexdigest() for file in path.iterdir()}
    page = opens(path)
    assert page.headline.chip.accessibleName() == "Verdict: EXACT"
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    qtbot.waitUntil(
        lambda: page.headline.chip.accessibleName() == "Verdict: OUT OF DATE",
        timeout=PATIENCE_MS,
    )
    episode = open_episode(path)
    assert episode.labels.outcome is Outcome.FAILURE
    assert page.headline.text.title == "It was judged as success and is labelled failure now."
    qtbot.waitUntil(
        lambda: page.library.model.row(4).verdict.word == "OUT OF DATE", timeout=PATIENCE_MS
    )
    assert {name: sha256((path / name).read_bytes()).hexdigest() for name in sealed} == sealed
    qtbot.keyClick(page, Qt.Key.Key_Y)
    qtbot.waitUntil(
        lambda: page.headline.chip.accessibleName() == "Verdict: EXACT", timeout=PATIENCE_MS
    )


def test_a_reason_and_a_note_are_kept(opens: Opens, library: dict[str, Path], qtbot: QtBot) -> None:
    page = opens(library["exact"])
    qtbot.mouseClick(page.inspector.why, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(page.inspector.why, "by feel")
    qtbot.keyClick(page.inspector.why, Qt.Key.Key_Return)
    qtbot.mouseClick(page.inspector.remark, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(page.inspector.remark, "battery was low")
    qtbot.keyClick(page.inspector.remark, Qt.Key.Key_Return)

    def kept() -> bool:
        labels = open_episode(library["exact"]).labels
        return (labels.reason, labels.notes[-1:]) == ("by feel", ("battery was low",))

    qtbot.waitUntil(kept, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: page.inspector.said.text() != "", timeout=PATIENCE_MS)


def test_letters_that_are_typed_into_a_field_do_nothing_else(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    page.search()
    qtbot.keyClicks(page.library.search, "by frY")
    qtbot.keyClick(page.library.search, Qt.Key.Key_Backspace)
    assert page.library.search.text() == "by fr"
    assert not page.playback.playing
    assert open_episode(library["exact"]).history.annotations == ()


# --- cuts, exports, forgetting --------------------------------------------------------------------


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A rescue with a rest in its middle and a long wait before it."""
    return record(tmp_path / "slow", before=400, drive=900, pause=range(700, 1100)).path


def test_a_proposal_that_is_to_be_cut_becomes_a_new_episode_with_a_verdict(
    opens: Opens, slow: Path, qtbot: QtBot
) -> None:
    page = opens(slow)
    trims = page.inspector.trims
    assert page.opened is not None
    (wait, rest) = page.opened.tape.cuts
    assert trims.heading.count == "2"
    assert not trims.apply.isEnabled()  # nothing goes by itself
    trims.choices[1].choose(1)
    assert page.playback.at_s == pytest.approx(page.opened.tape.cut_s[1][0])
    assert trims.apply.text() == f"Cut {rest.seconds:.1f} s and prove it"
    trims.apply.click()
    assert not trims.apply.isEnabled()
    qtbot.waitUntil(lambda: len(folders(page)) == 2, timeout=PATIENCE_MS)
    (made,) = set(folders(page)) - {slow.name}
    episode = open_episode(slow.parent / made)
    verdict = episode.verdict()
    assert verdict is not None
    assert verdict.passed
    removed = episode.manifest.parents[-1].removed
    assert removed == ((rest.first_tick, rest.last_tick),)  # the wait stays
    assert wait.first_tick < rest.first_tick
    assert open_episode(slow).manifest.rows > episode.manifest.rows


def test_the_repair_that_is_proposed_makes_a_new_episode_that_is_proved(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["late"])
    mend = page.inspector.mend
    assert mend.text() == "Shift actions by \N{MINUS SIGN}1 and validate again"
    mend.click()
    assert not mend.isEnabled()
    qtbot.waitUntil(lambda: len(folders(page)) == 6, timeout=PATIENCE_MS)
    (made,) = set(folders(page)) - {path.name for path in library.values()}
    choose(qtbot, page, library["late"].with_name(made))
    assert page.headline.chip.accessibleName() == "Verdict: EXACT"
    assert not mend.isVisible()
    assert open_episode(library["late"]).verdict() is not None  # it stays as it was


def test_all_that_is_found_is_exported_with_what_was_left_out(
    opens: Opens, library: dict[str, Path], qtbot: QtBot, tmp_path: Path
) -> None:
    page = opens(library["exact"])
    page.library.export.click()
    sheet = page.export_sheet
    assert sheet.isVisible()
    sheet.where.setText(str(tmp_path / "out" / "set"))
    with qtbot.waitSignal(page.desk.exports.ended, timeout=PATIENCE_MS):
        sheet.go.click()
        assert sheet.progress.isVisible()
    assert sheet.note.text().startswith("1 episode, ")
    assert "Left out" in sheet.note.text()
    assert (tmp_path / "out" / "set" / "meta" / "info.json").is_file()
    assert sheet.open_folder.isVisible()


def test_one_episode_is_exported_for_foxglove(
    opens: Opens, library: dict[str, Path], qtbot: QtBot, tmp_path: Path
) -> None:
    page = opens(library["late"])
    page.inspector.export.click()
    sheet = page.export_sheet
    sheet.form.choose(1)
    assert sheet.where.text().endswith("mcap-2026-03-06")
    sheet.where.setText(str(tmp_path / "files"))
    with qtbot.waitSignal(page.desk.exports.ended, timeout=PATIENCE_MS):
        sheet.go.click()
    assert [path.stem for path in (tmp_path / "files").iterdir()] == [library["late"].name]


def test_an_export_into_a_folder_that_is_there_says_what_to_do(
    opens: Opens, library: dict[str, Path], qtbot: QtBot, tmp_path: Path
) -> None:
    page = opens(library["exact"])
    page.export()
    page.export_sheet.where.setText(str(tmp_path))
    with qtbot.waitSignal(page.desk.exports.ended, timeout=PATIENCE_MS):
        page.export_sheet.go.click()
    assert "Nothing was exported." in page.export_sheet.note.text()
    assert "Give a new folder" in page.export_sheet.note.text()


def test_forgetting_shows_what_goes_and_asks_before_it_goes(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["late"])
    page.inspector.forget.click()
    sheet = page.forget_sheet
    qtbot.waitUntil(sheet.go.isEnabled, timeout=PATIENCE_MS)
    assert sheet.note.text().startswith("1 episode and ")
    assert library["late"].is_dir()
    sheet.go.click()
    qtbot.waitUntil(lambda: len(folders(page)) == 4, timeout=PATIENCE_MS)
    assert not library["late"].exists()
    (tombstone,) = read_tombstones(library["exact"].parent).values()
    assert (tombstone.episode, tombstone.why) == (library["late"].name, Why.MISTAKE)
    qtbot.waitUntil(lambda: page.opened is not None, timeout=PATIENCE_MS)
    assert not sheet.isVisible()


def test_closing_the_sheet_forgets_nothing(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["late"])
    page.forget()
    qtbot.waitUntil(page.forget_sheet.go.isEnabled, timeout=PATIENCE_MS)
    qtbot.keyClick(page.forget_sheet, Qt.Key.Key_Escape)
    assert not page.forget_sheet.isVisible()
    assert library["late"].is_dir()
    assert page.library.view.hasFocus()


# --- keys -----------------------------------------------------------------------------------------


def test_b_plays_and_space_has_no_second_meaning(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    page.bar.play.setFocus()
    qtbot.keyClick(page.bar.play, Qt.Key.Key_Space)
    assert not page.playback.playing
    window = page.window()
    assert isinstance(window, ReviewWindow)
    assert "Space is STOP" in window.status.text()
    qtbot.keyClick(page, Qt.Key.Key_B)
    began = page.playback.at_s
    assert page.playback.playing
    qtbot.waitUntil(lambda: page.playback.at_s > began + 0.2, timeout=PATIENCE_MS)
    qtbot.keyClick(page.bar.play, Qt.Key.Key_Return)
    assert not page.playback.playing


def test_everything_is_reached_by_tab_and_has_a_name(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["late"])
    reached: list[QWidget] = []
    page.library.view.setFocus()
    while True:
        here = page.window().focusWidget()
        assert here is not None
        if here in reached:
            break
        reached.append(here)
        qtbot.keyClick(here, Qt.Key.Key_Tab)
    wanted = {
        page.library.search,
        page.library.chips.chips["verdict"],
        page.library.chips.chips["outcome"],
        page.library.chips.chips["days"],
        page.library.export,
        page.library.view,
        page.bar.play,
        page.bar.speed,
        page.bar.cameras,
        page.bar.difference,
        page.lanes,
        page.inspector.success,
        page.inspector.failure,
        page.inspector.why,
        page.inspector.remark,
        page.inspector.again,
    }
    assert wanted <= set(reached)
    assert [part for part in reached if not part.accessibleName()] == []


def test_in_a_small_window_the_inspector_is_behind_a_tab(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    page.window().resize(1280, 800)
    qtbot.waitUntil(lambda: not page.inspector.isVisible())
    page.pages.choose(1)
    assert page.inspector.isVisible()
    page.resize(1920, 1080)
    qtbot.waitUntil(lambda: page.library.view.isVisible() and page.inspector.isVisible())


@pytest.mark.parametrize(
    ("size", "percent"),
    [
        ((1224, 724), 100),
        ((1280, 772), 100),
        ((1280, 772), 133),  # with the window's zoom, 200 % on 1920x1080
        ((1920, 1052), 100),
        ((1920, 1052), 200),
        ((3840, 2132), 200),
    ],
)
def test_nothing_of_the_play_bar_lies_over_anything_else_or_is_cut(
    opens: Opens,
    library: dict[str, Path],
    qtbot: QtBot,
    theme: Theme,
    size: tuple[int, int],
    percent: int,
) -> None:
    page = opens(library["exact"])
    try:
        theme.scale(percent)
        page.window().resize(*size)
        qtbot.waitUntil(lambda: page.window().size().toTuple() == size)
        qtbot.wait(1)  # the layouts
        parts = [part for part in page.bar.findChildren(QWidget) if part.isVisible()]
        small = {page.bar.back, page.bar.forward}  # only an icon
        for part in set(parts) - small:
            assert part.width() >= part.minimumSizeHint().width(), part.accessibleName()
        edges = sorted((part.x(), part.geometry().right()) for part in parts)
        assert all(right < left for (_, right), (left, _) in itertools.pairwise(edges))
        assert edges[-1][1] < page.bar.width()
        if percent == 100:
            time = page.lanes.lanes()[-1]
            assert time.top + time.height <= page.lanes.height() + 1
    finally:
        theme.scale(100)


# --- a page of a window with more -----------------------------------------------------------------


def test_out_of_view_nothing_plays_reads_or_replays(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"], SILENT)
    qtbot.waitUntil(lambda: page.pair.film._process is not None, timeout=PATIENCE_MS)
    process = page.pair.film._process
    assert process is not None
    page.play()
    page.hidden()
    assert not page.playback.playing
    assert not page._ticker.isActive()
    qtbot.waitUntil(lambda: process.poll() is not None, timeout=PATIENCE_MS)
    assert page.pair.film._process is None or page.pair.film._process.poll() is not None


def test_back_in_view_it_goes_on_where_it_was_and_replays_what_was_broken_off(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"], SILENT)
    page.seek(3.0)
    qtbot.waitUntil(lambda: page.pair.film._process is not None, timeout=PATIENCE_MS)
    first = page.pair.film._process
    page.hidden()
    page.shown()
    qtbot.waitUntil(lambda: page.pair.film._process not in (None, first), timeout=PATIENCE_MS)
    assert page.playback.at_s == 3.0
    assert page.pair.replay_view.face.missing == "Replaying…"


def test_new_episodes_are_found_when_the_page_comes_into_view_again(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    page.hidden()
    shutil.rmtree(library["none"])
    page.shown()
    qtbot.waitUntil(lambda: library["none"].name not in folders(page), timeout=PATIENCE_MS)
    assert page.opened is not None
    assert page.opened.path == library["exact"]


def test_its_keys_reach_into_no_other_page(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    page = opens(library["exact"])
    elsewhere = QLineEdit(page.window())
    elsewhere.show()
    elsewhere.setFocus()
    elsewhere.setReadOnly(True)  # it takes no letter for itself
    qtbot.keyClick(elsewhere, Qt.Key.Key_B)
    assert not page.playback.playing


def test_no_command_has_a_driving_key_or_space(opens: Opens, library: dict[str, Path]) -> None:
    page = opens(library["exact"])
    taken = [action.shortcut().toString() for action in page.actions()]
    taken += [shortcut.key().toString() for shortcut in page.findChildren(QShortcut)]
    assert not {"W", "A", "S", "D", "Q", "E", "Space"} & set(taken)
    commands = page.commands
    for action in (*commands.library, *commands.episode, *commands.view):
        assert action in page.actions()
        assert action.statusTip()
