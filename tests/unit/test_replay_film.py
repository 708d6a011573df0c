"""What the review's process answers about a replay: its actions, its pictures, where it is off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from recorder.library import Episode
from teleop import replay_robots, scenarios
from teleop.replay_film import Draw, Drawn, Film, Replay, Replayed, answer_in
from teleop.robot import RobotError
from tests.console.review_worker import NamedRover, Paint
from tests.unit.recorder_support import HEIGHT, WIDTH, Rover, record


class NoGraphics(Paint):
    def open(self) -> None:
        raise RobotError("no display")


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    return record(tmp_path_factory.mktemp("one"))


@pytest.fixture
def film(monkeypatch: pytest.MonkeyPatch) -> Iterator[Film]:
    like = scenarios.SCENARIOS[scenarios.DEFAULT_SCENARIO]
    drawn = replace(like, name="wedged", make_cameras=lambda seed, scene: Paint())
    monkeypatch.setitem(scenarios.SCENARIOS, "wedged", drawn)
    use(monkeypatch, Rover())
    made = Film()
    yield made
    made.close()


def use(monkeypatch: pytest.MonkeyPatch, rover: Rover) -> None:
    monkeypatch.setitem(
        replay_robots.ROBOTS, "rover", lambda d, scene: NamedRover(rover, d.action_names)
    )


def replayed(film: Film, episode: Episode, *, labels: bool = False) -> Replayed:
    answer = film.answer(Replay(path=str(episode.path), labels=labels))
    assert isinstance(answer, Replayed)
    return answer


def drawn(film: Film, step: int, camera: str = "front") -> Drawn:
    answer = film.answer(Draw(camera, step))
    assert isinstance(answer, Drawn)
    return answer


def test_the_replay_of_a_clean_episode_does_what_was_recorded(film: Film, episode: Episode) -> None:
    answer = replayed(film, episode, labels=True)
    start = episode.manifest.ending.start_tick
    assert (answer.problem, answer.first_tick, answer.failing) == ("", start, ())
    actions = episode.actions()[start : start + answer.steps]
    assert np.array_equal(answer.actions(), actions)
    assert answer.off_m().shape == (answer.steps,)
    assert not answer.off_m().any()


def test_a_picture_is_drawn_of_the_replayed_state(film: Film, episode: Episode) -> None:
    answer = replayed(film, episode)
    states = episode.states()
    for step in (0, 90, answer.steps):
        picture = drawn(film, step)
        assert (picture.width, picture.height) == (WIDTH, HEIGHT)
        far = int(states[episode.manifest.ending.start_tick + step][0] * 100)
        assert picture.rgb == bytes([far]) * (WIDTH * HEIGHT * 3)


@pytest.mark.parametrize("step", [-1, 10_000])
def test_a_step_that_was_not_replayed_has_no_picture(
    film: Film, episode: Episode, step: int
) -> None:
    replayed(film, episode)
    assert (drawn(film, step).rgb, drawn(film, step).problem) == (
        *(b"", "This step was not replayed."),
    )


def test_an_unknown_camera_is_told(film: Film, episode: Episode) -> None:
    replayed(film, episode)
    assert drawn(film, 0, "left").problem == "Nobody draws the camera left."


def test_another_robot_is_off_in_metres_and_its_wrong_steps_are_found(
    film: Film, episode: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Rover(gain=0.3))
    answer = replayed(film, episode, labels=True)
    assert sum(last - first + 1 for first, last in answer.failing) > 100
    assert 0.001 < answer.off_m().max() < 1.0


def test_without_graphics_the_replay_is_told_all_the_same(
    film: Film, episode: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = replace(scenarios.SCENARIOS["wedged"], make_cameras=lambda seed, scene: NoGraphics())
    monkeypatch.setitem(scenarios.SCENARIOS, "wedged", like)
    answer = replayed(film, episode)
    assert answer.no_pictures == "No graphics here: no display"
    assert (answer.cameras, answer.steps > 100) == ((), True)


def test_without_a_robot_the_answer_says_why(
    film: Film, episode: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(replay_robots.ROBOTS, "rover")
    assert "no robot of type 'rover'" in replayed(film, episode).problem


def test_what_is_no_episode_is_told(film: Film, tmp_path: Path) -> None:
    answer = film.answer(Replay(path=str(tmp_path / "none")))
    assert isinstance(answer, Replayed)
    assert "No such folder" in answer.problem


def test_an_answer_is_not_mistaken_for_another() -> None:
    with pytest.raises(msgspec.DecodeError):
        answer_in(b"\x80")
