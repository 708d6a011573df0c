"""Who had the robot, under which consent, in which ticks: everybody who stands in the record."""

from pathlib import Path

import msgspec
import pytest

from recorder.catalogue import list_library
from recorder.drivers import Drivers
from recorder.episode import EpisodeError, Label, sealed_json
from recorder.library import open_episode
from recorder.listing import Wanted
from recorder.provenance import Driver
from recorder.recover import recover
from tests.unit.recorder_support import feed, one_after_the_other, recorder, session, stamp
from transport.messages import Event, Tick

BLANK = msgspec.structs.replace(next(session()), events=())


def tick(number: int, operator: str = "", consent: str = "", *events: Event) -> Tick:
    return msgspec.structs.replace(
        BLANK, tick=number, operator=operator, consent=consent, events=events
    )


def of(*ticks: Tick) -> Drivers:
    people = Drivers()
    for one in ticks:
        people.add(one)
    return people


def driver(name: str, first: int, last: int, consent: str = "") -> Driver:
    return Driver(name=name, consent=consent, first_tick=first, last_tick=last)


def test_each_driver_has_a_consent_of_his_own() -> None:
    passed = Event(kind="lease_passed", text="ada gave the robot to eve", by="ada")
    people = of(
        tick(1, "ada", "form 1"),
        tick(2, "ada", "form 1"),
        tick(3, "eve", "form 2", passed, Event(kind="takeover", by="eve")),
        tick(4, "eve", "form 2"),
    )
    assert people.found == (driver("ada", 1, 3, "form 1"), driver("eve", 3, 4, "form 2"))


def test_who_hands_back_stands_in_that_tick_under_the_consent_of_the_drive() -> None:
    people = of(tick(7, "ada", "form 1"), tick(8, "", "", Event(kind="hand_back", by="ada")))
    assert people.found == (driver("ada", 7, 8, "form 1"),)


def test_a_log_that_begins_with_the_hand_back_names_who_drove() -> None:
    assert of(tick(5, "", "", Event(kind="released", by="ada"))).found == (driver("ada", 5, 5),)


def test_driving_again_later_is_a_stretch_of_its_own() -> None:
    people = of(tick(1, "ada"), tick(2), tick(3, "ada"))
    assert people.found == (driver("ada", 1, 1), driver("ada", 3, 3))


def test_another_consent_begins_another_stretch() -> None:
    people = of(tick(1, "ada", "form 1"), tick(2, "ada", "form 2"))
    assert [one.consent for one in people.found] == ["form 1", "form 2"]


def test_a_lost_tick_does_not_end_a_stretch() -> None:
    assert of(tick(1, "ada"), tick(4, "ada")).found == (driver("ada", 1, 4),)


def test_who_presses_stop_asks_or_says_something_is_named() -> None:
    people = of(
        tick(1, "ada", "", Event(kind="stop", by="joe"), Event(kind="lease_asked", by="eve"))
    )
    people.said(Label(tick=1, kind="note", text="squeaks", by="bob"))
    people.said(Label(tick=1, kind="note", text="yes", by="ada"))
    assert people.named == ("bob", "eve", "joe")


def test_the_manifest_lists_who_drove_before_the_call_with_the_consent_of_then(
    tmp_path: Path,
) -> None:
    one, two = one_after_the_other(tmp_path)
    assert one.manifest.drivers == (driver("ada", 120, 720, "form 1"),)
    before, after = two.manifest.drivers
    assert (before.name, before.consent, before.last_tick) == ("ada", "form 1", 720)
    assert before.first_tick == two.manifest.first_tick
    assert (after.name, after.consent) == ("eve", "form 2")
    assert after.first_tick == two.manifest.ending.start_tick
    assert two.manifest.drivers_between(
        two.manifest.ending.start_tick, two.manifest.ending.end_tick
    ) == ("eve",)
    two.verify()


def test_two_operators_of_one_intervention_stand_in_it_each_with_a_consent(
    tmp_path: Path,
) -> None:
    def passed_on() -> list[Tick]:
        ticks = list(session(operator="ada", consent="form 1"))
        for at in range(200, 300):
            ticks[at] = msgspec.structs.replace(ticks[at], operator="eve", consent="form 2")
        said = (Event(kind="lease_passed", by="ada"), Event(kind="takeover", by="eve"))
        ticks[200] = msgspec.structs.replace(ticks[200], events=said)
        back = Event(kind="hand_back", text="success", by="eve")
        ticks[300] = msgspec.structs.replace(ticks[300], events=(back,))
        return ticks

    rec = recorder(tmp_path)
    feed(rec, iter(passed_on()))
    rec.close(stamp(10_000))
    manifest = open_episode(rec.sealed()[0]).manifest
    assert manifest.drivers == (
        driver("ada", 120, 200, "form 1"),
        driver("eve", 200, 300, "form 2"),
    )
    assert manifest.ending.operator == "eve", "the last one; the outcome is hers"
    assert manifest.operators == ("ada", "eve")
    for name, found in (("ada", 1), ("eve", 1), ("ad", 0), ("ada, eve", 1), ("joe", 0)):
        assert list_library(tmp_path, Wanted(operator=name)).found == found


def test_a_recovered_episode_knows_them_too(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, iter(list(session(consent="form 1"))[:250]))
    assert rec._take is not None
    assert rec._take.writer is not None
    rec._take.writer.fail("the process is gone")
    recovered = open_episode(recover(next(tmp_path.glob("*.rec"))).path).manifest
    assert [(one.name, one.consent) for one in recovered.drivers] == [("ada", "form 1")]


@pytest.mark.parametrize("edit", [{"drivers": ()}, {"named": ("eve",)}])
def test_drivers_that_were_edited_are_noticed(tmp_path: Path, edit: dict[str, object]) -> None:
    episode, _ = one_after_the_other(tmp_path)
    episode.verify()
    manifest = msgspec.structs.replace(episode.manifest, **edit)
    (episode.path / "manifest.json").write_bytes(sealed_json(manifest))
    with pytest.raises(EpisodeError, match="not what the log tells"):
        open_episode(episode.path).verify()
