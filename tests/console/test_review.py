"""The review of a small library: list, pictures at the same step, lanes, labels, keys."""

from __future__ import annotations

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
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from recorder.episode import LOG_FILE
from recorder.library import open_episode
from recorder.listing import NOT_REPLAYED, OUT_OF_DATE
from recorder.verdict import Kind
from tests.console.review_library import make_library
from tests.unit.library_support import fill, pattern
from tests.unit.recorder_support import number_of
from transport.messages import Outcome
from ui.review_film import ReplayFilm
from ui.review_state import PAGE
from ui.review_window import ReviewWindow
from ui.theme import Theme

WORKER = (sys.executable, "-m", "tests.console.review_worker")
SILENT = (sys.executable, "-c", "import time; time.sleep(600)")  # not even at its end
DYING = (sys.executable, "-c", "import sys; sys.stdin.readline()")
NOW = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
PATIENCE_MS = 30_000

Opens = Callable[..., ReviewWindow]


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

    def open_(folder: Path, command: tuple[str, ...] = WORKER) -> ReviewWindow:
        film = partial(ReplayFilm, command=command)
        window = ReviewWindow(folder.parent, theme, make_film=film, now=lambda: NOW)
        windows.append(window)
        window.resize(1920, 1080)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        qtbot.waitUntil(lambda: bool(window.library.model.listed), timeout=PATIENCE_MS)
        if (folder / LOG_FILE).exists():
            choose(qtbot, window, folder)
        return window

    yield open_
    for window in windows:
        window.close()
        window.deleteLater()


def choose(qtbot: QtBot, window: ReviewWindow, folder: Path) -> None:
    listed = [one.folder for one in window.library.model.listed]
    window.library.choose(listed.index(folder.name))
    shows = partial(_shows, window, folder)
    qtbot.waitUntil(shows, timeout=PATIENCE_MS)


def _shows(window: ReviewWindow, folder: Path) -> bool:
    return window.opened is not None and window.opened.path == folder


def pixels(image: QImage | None) -> np.ndarray:
    assert image is not None
    whole = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(whole.constBits(), np.uint8).reshape(whole.height(), -1)
    return rows[:, : whole.width() * 3].reshape(whole.height(), whole.width(), 3).copy()


def shown_row(window: ReviewWindow) -> int:
    return number_of(pixels(window.recorded.image))


def folders(window: ReviewWindow) -> list[str]:
    return [one.folder for one in window.library.model.listed]


# --- the list -------------------------------------------------------------------------------------


def test_the_list_has_every_episode_newest_first_with_its_verdict(
    opens: Opens, library: dict[str, Path]
) -> None:
    window = opens(library["exact"])
    names = ("none", "outdated", "unverifiable", "late", "exact")
    assert folders(window) == [library[name].name for name in names]
    chips = [window.library.model.row(number).verdict.word for number in range(5)]
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
    window = opens(library["exact"])
    window.library.verdict_chosen(verdict)
    expected = [library[name].name for name in names]
    qtbot.waitUntil(lambda: folders(window) == expected, timeout=PATIENCE_MS)


def test_the_list_is_narrowed_to_an_outcome_and_to_what_is_typed(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    window.library.outcome_chosen(Outcome.FAILURE.value)
    only = [library["outdated"].name]
    qtbot.waitUntil(lambda: folders(window) == only, timeout=PATIENCE_MS)
    window.library.outcome_chosen("")
    qtbot.waitUntil(lambda: len(folders(window)) == 5, timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert window.library.search.hasFocus()
    qtbot.keyClicks(window.library.search, "vase ROVER")
    qtbot.waitUntil(lambda: folders(window) == only, timeout=PATIENCE_MS)


def test_a_long_library_comes_page_by_page(opens: Opens, qtbot: QtBot, tmp_path: Path) -> None:
    episode, verdict = pattern(tmp_path / "pattern")
    root = tmp_path / "long"
    root.mkdir()
    fill(root, episode.manifest, verdict, range(PAGE + 20))
    newest = sorted(path for path in root.iterdir() if path.is_dir())[-1]
    window = opens(newest)
    assert len(folders(window)) == PAGE
    assert "220" in window.library.heading.count
    window.library.view.scrollToBottom()
    window.library.model.fetchMore(window.library.view.rootIndex())
    qtbot.waitUntil(lambda: len(folders(window)) == PAGE + 20, timeout=PATIENCE_MS)
    assert folders(window) == sorted(folders(window), reverse=True)


# --- the two pictures -----------------------------------------------------------------------------


def test_both_pictures_are_of_the_same_step(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    tape = window.opened.tape if window.opened is not None else None
    assert tape is not None
    for step in (0, 60, 150):
        window.seek(tape.second_of(step))
        row = tape.row_at(tape.second_of(step))
        qtbot.waitUntil(
            lambda row=row: window.recorded.image is not None and shown_row(window) == row,
            timeout=PATIENCE_MS,
        )
        states = open_episode(library["exact"]).states()
        far = int(states[tape.first + step][0] * 100)
        qtbot.waitUntil(
            lambda far=far: (
                window.replay_view.image is not None
                and int(pixels(window.replay_view.image)[0, 0, 0]) == far
            ),
            timeout=PATIENCE_MS,
        )
        assert f"step {step:,}" in window.recorded.face.detail
        assert f"step {step:,}" in window.replay_view.face.detail


def test_outside_the_replay_its_frame_says_so(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    qtbot.waitUntil(lambda: window.replay_view.image is not None, timeout=PATIENCE_MS)
    window.seek(0.0)
    assert window.replay_view.face.missing == "Not replayed here"
    assert "starts at the takeover" in window.replay_view.face.why
    assert window.replay_view.image is None


def test_without_a_robot_the_frame_of_the_replay_says_why(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"], (sys.executable, "-m", "teleop", "replay-film"))
    qtbot.waitUntil(lambda: window.replay_view.face.missing == "No replay", timeout=PATIENCE_MS)
    assert "No robot of type 'rover'" in window.replay_view.face.why
    qtbot.waitUntil(lambda: window.recorded.image is not None, timeout=PATIENCE_MS)


def test_a_replay_that_never_answers_disturbs_nobody(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"], SILENT)
    assert window.replay_view.face.missing == "Replaying…"
    qtbot.waitUntil(lambda: window.recorded.image is not None, timeout=PATIENCE_MS)
    before = shown_row(window)
    qtbot.keyClick(window, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: shown_row(window) == before + 1, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.film._process is not None, timeout=PATIENCE_MS)
    process = window.film._process
    assert process is not None
    window.close()
    assert process.poll() is not None  # it is ended with the window


def test_a_replay_whose_process_dies_is_told(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"], DYING)
    qtbot.waitUntil(lambda: window.replay_view.face.missing == "No replay", timeout=PATIENCE_MS)
    assert "process ended" in window.replay_view.face.why


# --- the lanes ------------------------------------------------------------------------------------


def test_a_click_into_the_lanes_sets_the_playhead(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    x = round(window.lanes.x_of(3.0))
    qtbot.mouseClick(window.lanes, Qt.MouseButton.LeftButton, pos=QPoint(x, 60))
    assert window.playback.at_s == pytest.approx(3.0, abs=0.01)
    assert window.bar.at.text() == f"{window.playback.at_s:.2f} s"


def test_wrong_labels_are_found_and_f_goes_to_the_first(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["late"])
    qtbot.waitUntil(lambda: window.replayed is not None, timeout=PATIENCE_MS)
    assert window.replayed is not None
    assert window.opened is not None
    assert window.opened.verdict is not None
    wrong = sum(last - first + 1 for first, last in window.replayed.failing)
    step = window.opened.verdict.evidence.one_step
    assert step is not None
    assert wrong == step.failed > 0
    qtbot.keyClick(window, Qt.Key.Key_F)
    first = window.replayed.failing[0][0]
    assert window.playback.at_s == window.opened.tape.second_of(first)


def test_what_the_replay_is_off_by_stands_on_its_picture(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["late"])
    qtbot.waitUntil(lambda: window.replayed is not None, timeout=PATIENCE_MS)
    assert window.opened is not None
    assert window.replayed is not None
    off_m = window.replayed.off_m()
    step = int(off_m.argmax())
    window.seek(window.opened.tape.second_of(step))
    assert window.replay_view.face.differs == f"{off_m.max() * 1e3:.1f} mm from the recording"


# --- labels ---------------------------------------------------------------------------------------


def test_a_label_is_kept_beside_the_sealed_files_and_the_verdict_is_then_out_of_date(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    path = library["exact"]
    sealed = {file.name: sha256(file.read_bytes()).hexdigest() for file in path.iterdir()}
    window = opens(path)
    assert window.headline.chip.accessibleName() == "Verdict: EXACT"
    qtbot.keyClick(window, Qt.Key.Key_Backspace)
    qtbot.waitUntil(
        lambda: window.headline.chip.accessibleName() == "Verdict: OUT OF DATE",
        timeout=PATIENCE_MS,
    )
    episode = open_episode(path)
    assert episode.labels.outcome is Outcome.FAILURE
    assert window.headline.text.title == "It was judged as success and is labelled failure now."
    qtbot.waitUntil(
        lambda: window.library.model.row(4).verdict.word == "OUT OF DATE", timeout=PATIENCE_MS
    )
    assert {name: sha256((path / name).read_bytes()).hexdigest() for name in sealed} == sealed
    qtbot.keyClick(window, Qt.Key.Key_Y)
    qtbot.waitUntil(
        lambda: window.headline.chip.accessibleName() == "Verdict: EXACT", timeout=PATIENCE_MS
    )


def test_a_reason_and_a_note_are_kept(opens: Opens, library: dict[str, Path], qtbot: QtBot) -> None:
    window = opens(library["exact"])
    qtbot.mouseClick(window.inspector.why, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(window.inspector.why, "by feel")
    qtbot.keyClick(window.inspector.why, Qt.Key.Key_Return)
    qtbot.mouseClick(window.inspector.remark, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(window.inspector.remark, "battery was low")
    qtbot.keyClick(window.inspector.remark, Qt.Key.Key_Return)

    def kept() -> bool:
        labels = open_episode(library["exact"]).labels
        return (labels.reason, labels.notes[-1:]) == ("by feel", ("battery was low",))

    qtbot.waitUntil(kept, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.inspector.said.text() != "", timeout=PATIENCE_MS)


def test_letters_that_are_typed_into_a_field_do_nothing_else(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    window.search()
    qtbot.keyClicks(window.library.search, "by frY")
    qtbot.keyClick(window.library.search, Qt.Key.Key_Backspace)
    assert window.library.search.text() == "by fr"
    assert not window.playback.playing
    assert open_episode(library["exact"]).history.annotations == ()


# --- keys -----------------------------------------------------------------------------------------


def test_b_plays_and_space_has_no_second_meaning(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    window.bar.play.setFocus()
    qtbot.keyClick(window.bar.play, Qt.Key.Key_Space)
    assert not window.playback.playing
    assert "Space is STOP" in window.status.text()
    qtbot.keyClick(window, Qt.Key.Key_B)
    began = window.playback.at_s
    assert window.playback.playing
    qtbot.waitUntil(lambda: window.playback.at_s > began + 0.2, timeout=PATIENCE_MS)
    qtbot.keyClick(window.bar.play, Qt.Key.Key_Return)
    assert not window.playback.playing


def test_everything_is_reached_by_tab_and_has_a_name(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["late"])
    reached: list[QWidget] = []
    window.library.view.setFocus()
    while True:
        here = window.focusWidget()
        assert here is not None
        if here in reached:
            break
        reached.append(here)
        qtbot.keyClick(here, Qt.Key.Key_Tab)
    wanted = {
        window.library.search,
        window.library.verdict,
        window.library.outcome,
        window.library.view,
        window.bar.play,
        window.bar.speed,
        window.bar.cameras,
        window.bar.difference,
        window.lanes,
        window.inspector.success,
        window.inspector.failure,
        window.inspector.why,
        window.inspector.remark,
        window.inspector.again,
    }
    assert wanted <= set(reached)
    assert [part for part in reached if not part.accessibleName()] == []


def test_in_a_small_window_the_inspector_is_behind_a_tab(
    opens: Opens, library: dict[str, Path], qtbot: QtBot
) -> None:
    window = opens(library["exact"])
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: not window.inspector.isVisible())
    window.pages.choose(1)
    assert window.inspector.isVisible()
    window.resize(1920, 1080)
    qtbot.waitUntil(lambda: window.library.view.isVisible() and window.inspector.isVisible())
