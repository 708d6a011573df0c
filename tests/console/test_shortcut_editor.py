"""The editor of shortcuts: press, see what clashes, save, and it counts; STOP throughout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from teleop.input_profile import Action
from teleop.pad_mapping import PadReading
from teleop.profile_files import Controls, Profiles
from tests.console.fakes import driven, link_view
from tests.console.support import Console
from transport.messages import RobotKind
from ui.action_words import DOES
from ui.screen import Chip, Look
from ui.shortcut_editor import ShortcutEditor
from ui.shortcut_plan import Device
from ui.speech import Language, speak
from ui.theme import Theme

MINE = '[for]\nkind = "rover"\n\n[keys]\nmarker = ["F6"]\n'


class Desk:
    """An editor over a folder, and what it did to the rest."""

    def __init__(self, theme: Theme, folder: Path) -> None:
        self.folder = folder
        self.controls = Controls(Profiles.read(folder), "op-1")
        self.controls.robot, self.controls.gamepad = "rover-07", "Xbox One"
        self.stops = self.let_go = 0
        self.editor = ShortcutEditor(
            theme, None, self.controls, folder, self._stopped, self._released
        )

    def _stopped(self) -> None:
        self.stops += 1

    def _released(self) -> None:
        self.let_go += 1

    def end(self) -> None:
        """Close it, whatever has not been saved."""
        if isValid(self.editor):
            self.editor._warned = True
            self.editor.close()

    def choose(self, action: Action) -> None:
        rows = range(self.editor.keys.table.rowCount())
        words = [self.editor.keys.table.item(row, 0).text() for row in rows]  # type: ignore[union-attr]
        self.editor.keys.table.setCurrentCell(words.index(DOES[action]), 0)

    def hold(self, *buttons: str, pad: int = 1, name: str = "Xbox One", **axes: float) -> None:
        self.editor.hear(pad, name, PadReading(held=frozenset(buttons), **axes))
        self.editor.look()

    @property
    def text(self) -> str:
        return (self.folder / "mine.toml").read_text()

    def keys(self, action: Action) -> tuple[str, ...]:
        return self.controls.profile.keys_of(action)


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "mine.toml").write_text(MINE)
    made = Desk(theme, tmp_path)
    made.editor.show()
    yield made
    made.end()


def press_key(desk: Desk, qtbot: QtBot, key: Qt.Key) -> None:
    desk.editor.keys.add[Device.KEYS].click()
    qtbot.keyClick(desk.editor.keys.field, key)


def test_a_key_that_is_pressed_is_saved_and_in_use(desk: Desk, qtbot: QtBot) -> None:
    desk.choose(Action.MARKER)
    press_key(desk, qtbot, Qt.Key.Key_F7)
    assert desk.keys(Action.MARKER) == ("F6",)
    desk.editor.save.click()
    assert desk.keys(Action.MARKER) == ("F6", "F7")
    assert '"F7"' in desk.text
    assert "counts from now on" in desk.editor.note.text()


def test_a_key_that_something_has_is_told_with_both_and_taken_by_a_click(
    desk: Desk, qtbot: QtBot
) -> None:
    desk.choose(Action.MARKER)
    press_key(desk, qtbot, Qt.Key.Key_F5)
    said = desk.editor.note.text()
    assert said == "F5 is bound already: arm the motors. It cannot mean “marker”, too"
    assert desk.editor.keys.give.text() == "Take F5 from there"
    desk.editor.keys.give.click()
    desk.editor.save.click()
    assert (desk.keys(Action.MARKER), desk.keys(Action.ARM)) == (("F6", "F5"), ())


def test_escape_ends_the_waiting_and_changes_nothing(desk: Desk, qtbot: QtBot) -> None:
    desk.choose(Action.MARKER)
    press_key(desk, qtbot, Qt.Key.Key_Escape)
    assert not desk.editor.keys.field.isVisible()
    assert desk.editor.isVisible()
    assert desk.editor.draft.own["keys"] == {"marker": ["F6"]}


def test_a_key_that_no_profile_knows_is_told(desk: Desk, qtbot: QtBot) -> None:
    desk.choose(Action.MARKER)
    press_key(desk, qtbot, Qt.Key.Key_Tab)
    assert desk.editor.note.text() == "This key cannot be bound"


def test_buttons_pressed_together_become_a_chord(desk: Desk) -> None:
    desk.choose(Action.MARKER)
    desk.hold("LB")  # held since before: not meant
    desk.editor.keys.add[Device.BUTTONS].click()
    for held in (("LB",), (), ("RB",), ("RB", "Y"), ("Y",), ()):
        desk.hold(*held)
    desk.editor.save.click()
    chords = desk.controls.profile.chords_of(Action.MARKER)
    assert chords == (frozenset({"RB", "Y"}),)


def test_which_pad_was_pressed_is_said(desk: Desk) -> None:
    desk.hold(name="Xbox One")
    assert desk.editor.pads.text() == "Gamepads: Xbox One"
    desk.hold("A", pad=2, name="DualSense")
    assert desk.editor.pads.text() == "Gamepads: DualSense: A"


def test_the_stick_that_is_pushed_becomes_the_axis_and_its_bar_moves(desk: Desk) -> None:
    sticks = desk.editor.sticks
    desk.hold()
    sticks.identify["drive"].click()
    desk.hold(right_y=0.2)
    desk.hold(right_y=0.9)
    assert desk.editor.draft.own["gamepad"] == {"drive": "right_y"}
    desk.hold(right_y=1.0)
    assert sticks.bars["drive"].accessibleDescription() == "100 %"
    sticks.inverted["drive"].click()
    desk.hold(right_y=1.0)
    assert sticks.bars["drive"].accessibleDescription() == "-100 %"


def test_one_stick_for_two_things_is_told_and_cannot_be_saved(desk: Desk) -> None:
    desk.editor.sticks.choices["drive"].setCurrentIndex(2)
    desk.editor.sticks.choices["drive"].activated.emit(2)
    assert "gamepad.drive and gamepad.turn are both" in desk.editor.note.text()
    assert not desk.editor.save.isEnabled()


def test_numbers_are_set_in_their_ranges(desk: Desk) -> None:
    desk.editor.sticks.sliders["gamepad.dead_zone"].setValue(1000)
    desk.editor.sticks.sliders["gamepad.expo"].setValue(0)
    assert desk.editor.draft.own["gamepad"] == {"dead_zone": 0.4, "expo": 0.0}
    assert desk.editor.save.isEnabled()


def test_stops_own_key_is_no_button_and_one_of_yours_is(desk: Desk, qtbot: QtBot) -> None:
    desk.choose(Action.STOP)
    press_key(desk, qtbot, Qt.Key.Key_Pause)
    buttons = desk.editor.keys.bindings[Device.KEYS].buttons
    assert {name: button.isEnabled() for name, button in buttons.items()} == {
        "Space": False,
        "Pause": True,
    }
    buttons["Pause"].click()
    assert list(desk.editor.keys.bindings[Device.KEYS].buttons) == ["Space"]


# --- profiles -------------------------------------------------------------------------------------


def test_what_is_built_in_cannot_be_edited_and_new_makes_ones_own(desk: Desk) -> None:
    editor = desk.editor
    editor.profiles.setCurrentRow(0)
    assert not editor.keys.add[Device.KEYS].isEnabled()
    editor.new.click()
    editor.whom.present["robot"].click()
    editor.save.click()
    texts = [editor.profiles.item(row).text() for row in range(editor.profiles.count())]
    assert texts == ["Built in", "mine", "mine 2"]
    assert 'robot = "rover-07"' in (desk.folder / "mine 2.toml").read_text()


def test_a_copy_for_the_same_people_is_refused_until_it_says_for_whom(desk: Desk) -> None:
    desk.editor.duplicate.click()
    desk.editor.save.click()
    assert "are for the same operator, robot and gamepad" in desk.editor.note.text()
    assert not (desk.folder / "mine 2.toml").exists()
    desk.editor.whom.present["operator"].click()
    desk.editor.save.click()
    assert (desk.folder / "mine 2.toml").exists()
    assert Path(desk.controls.profile.source).stem == "mine 2"


def test_a_profile_is_renamed(desk: Desk) -> None:
    desk.editor.whom.name.setText("Anna left")
    desk.editor.whom.name.textEdited.emit("Anna left")
    desk.editor.save.click()
    assert [path.name for path in desk.folder.iterdir()] == ["Anna left.toml"]
    assert desk.keys(Action.MARKER) == ("F6",)


def test_a_new_name_that_is_none_leaves_the_old_file(desk: Desk) -> None:
    desk.editor.whom.name.setText("a/b")
    desk.editor.whom.name.textEdited.emit("a/b")
    desk.editor.save.click()
    assert "is no name for a profile" in desk.editor.note.text()
    assert [path.name for path in desk.folder.iterdir()] == ["mine.toml"]
    assert desk.text == MINE


def test_a_new_name_for_people_who_have_a_profile_leaves_the_old_file(desk: Desk) -> None:
    (desk.folder / "other.toml").write_text('[for]\nkind = "rover"\noperator = "op-1"\n')
    desk.editor.whom.name.setText("renamed")
    desk.editor.whom.name.textEdited.emit("renamed")
    desk.editor.whom.present["operator"].click()
    desk.editor.save.click()
    assert "for the same operator, robot and gamepad" in desk.editor.note.text()
    assert sorted(path.name for path in desk.folder.iterdir()) == ["mine.toml", "other.toml"]
    assert desk.text == MINE


def test_a_deleted_profile_is_out_of_use_and_kept_beside(desk: Desk) -> None:
    desk.editor.delete.click()
    assert desk.keys(Action.MARKER) == ("M",)
    assert (desk.folder / "mine.toml.bak").read_text() == MINE
    assert "mine.toml.bak" in desk.editor.note.text()


def test_a_file_that_somebody_else_has_changed_is_told_and_read_again(
    desk: Desk, qtbot: QtBot
) -> None:
    other = MINE.replace("F6", "F8")
    (desk.folder / "mine.toml").write_text(other)
    desk.choose(Action.MARKER)
    press_key(desk, qtbot, Qt.Key.Key_F7)
    desk.editor.save.click()
    assert "changed by somebody else" in desk.editor.note.text()
    assert desk.text == other
    desk.editor.again.click()
    assert desk.editor.draft.own["keys"] == {"marker": ["F8"]}


def test_a_wrong_file_is_told_and_can_be_put_away(desk: Desk) -> None:
    (desk.folder / "mine.toml").write_text("[keys]\nforwrd = 'W'\n")
    desk.editor.again.click()
    assert "did you mean forward?" in desk.editor.note.text()
    assert not desk.editor.save.isEnabled()
    desk.editor.delete.click()
    assert not (desk.folder / "mine.toml").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a file where a folder should be, otherwise")
def test_a_folder_that_cannot_be_written_is_told(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    (tmp_path / "profiles").write_text("a file")
    made = Desk(theme, tmp_path / "profiles")
    made.editor.show()
    made.editor.new.click()
    made.editor.save.click()
    assert "cannot be written" in made.editor.note.text()
    made.end()


def test_changes_that_are_not_saved_are_told_once_before_they_are_lost(
    desk: Desk, qtbot: QtBot
) -> None:
    desk.editor.reset_all.click()
    desk.editor.cancel.click()
    assert desk.editor.isVisible()
    assert "not saved" in desk.editor.note.text()
    desk.editor.cancel.click()
    assert not desk.editor.isVisible()
    assert desk.text == MINE


def test_all_is_reset_and_whom_it_is_for_stays(desk: Desk) -> None:
    desk.editor.reset_all.click()
    desk.editor.save.click()
    assert desk.keys(Action.MARKER) == ("M",)
    assert 'kind = "rover"' in desk.text


# --- while it is open -----------------------------------------------------------------------------


def test_pads_are_listened_to_while_it_is_open_and_drive_again_after(desk: Desk) -> None:
    assert desk.controls.listener is not None
    assert desk.let_go == 1
    desk.editor.reject()
    assert desk.controls.listener is None
    assert desk.let_go == 2


def test_space_is_stop_also_while_a_key_is_waited_for(console: Console, qtbot: QtBot) -> None:
    console.show(link_view(driven()))
    made = ShortcutEditor(
        console.theme,
        console.window,
        console.window.controls,
        Path("/nowhere"),
        console.link.stop,
        console.window.let_go,
    )
    made.show()
    made.new.click()
    made.page.choose(0)
    made.keys.add[Device.KEYS].click()
    qtbot.keyClick(made.keys.field, Qt.Key.Key_Space)
    assert console.link.stops == 1
    assert made.keys.field.isVisible()
    qtbot.keyClick(made.keys.field, Qt.Key.Key_W)
    assert not console.window.keys.keyboard.down
    made._warned = True
    made.close()


def test_stop_in_the_title_row_stops_and_looks_as_in_the_window(desk: Desk) -> None:
    desk.editor.show_stop(Chip("octagon", "STOPPED", look=Look.LATCHED))
    assert desk.editor.stop.accessibleName() == "STOPPED"
    desk.editor.stop.click()
    assert desk.stops == 1


def test_it_speaks_german(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    speak(Language.GERMAN)
    try:
        made = Desk(theme, tmp_path)
        assert made.editor.windowTitle() == "Tasten"
        assert made.editor.save.text() == "Sichern"
        made.end()
    finally:
        speak(Language.ENGLISH)


def test_a_profile_for_an_arm_is_shown_as_an_arm_has_it(desk: Desk) -> None:
    (desk.folder / "desk.toml").write_text('[for]\nkind = "arm"\n')
    desk.editor.again.click()
    desk.editor.profiles.setCurrentRow(1)
    assert desk.editor.kind.on == list(RobotKind).index(RobotKind.ARM)
    assert desk.editor.draft.bindings(Device.KEYS, Action.CLOSE, RobotKind.ARM) == ("G",)
