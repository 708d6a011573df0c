"""What one robot is asked for, in which order, and what becomes of each wish."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop.archive_asks import (
    AGAIN_NS,
    MOST_WISHES,
    PATIENCE_NS,
    SOON_NS,
    Answered,
    Asks,
    AuditLines,
    BeforeCall,
    Got,
    Look,
    Missing,
    Told,
    Wish,
)
from teleop.rewind import Rewind
from tests.unit.test_rewind import index_of
from transport.archive_messages import (
    ASKS_AT_ONCE,
    ASKS_PER_S,
    PART_BYTES,
    ArchiveAnswer,
    ArchiveRequest,
    AuditPiece,
    AuditRequest,
    NotInArchive,
    RewindPart,
    RewindRequest,
    ThumbnailAnswer,
    ThumbnailRequest,
)
from transport.clock import NS_PER_S
from transport.messages import MalformedMessage

T0 = 5 * NS_PER_S
FRAMES = (PART_BYTES, 10)  # two parts


class Listener:
    """Somebody who wants something; it is told by the test, as the link would do."""

    def __init__(self) -> None:
        self.heard: list[Answered | Got] = []

    def __call__(self, got: Got) -> None:
        self.heard.append(got)


class Wisher:
    """One robot's asks, with the time and the listeners."""

    def __init__(self) -> None:
        self.asks = Asks()
        self.now_ns = T0

    def want(self, wish: Wish) -> Listener:
        listener = Listener()
        tell(self.asks.want(wish, listener, self.now_ns))
        return listener

    def send(self) -> ArchiveRequest:
        request = self.asks.next(self.now_ns)
        assert request is not None, "nothing to ask for"
        self.asks.sent(self.now_ns)
        return request

    def hear(self, answer: ArchiveAnswer | MalformedMessage) -> None:
        tell(self.asks.heard(answer, self.now_ns))

    def expire(self, trouble: str = "") -> None:
        tell(self.asks.expired(self.now_ns, trouble))


def tell(told: list[Told]) -> None:
    for listener, answered in told:
        assert isinstance(listener, Listener)
        listener.heard.append(answered)


@pytest.fixture
def wisher() -> Wisher:
    return Wisher()


def answer_to(request: ArchiveRequest) -> ArchiveAnswer:
    """What a robot that has it answers."""
    match request:
        case ThumbnailRequest():
            return ThumbnailAnswer(
                request_id=request.request_id,
                camera=request.camera,
                captured_ns=1,
                age_ms=0.0,
                jpeg=b"jpeg",
            )
        case RewindRequest():
            return RewindPart(
                request_id=request.request_id,
                call_id=request.call_id,
                camera=request.camera,
                part=request.part,
                parts=len(FRAMES),
                frames=bytes([request.part]) * FRAMES[request.part],
                index=index_of(*FRAMES) if request.part == 0 else None,
            )
        case AuditRequest():
            return AuditPiece(request_id=request.request_id, days=(datetime.date(2026, 11, 30),))


def none(request: ArchiveRequest, reason: str, *, soon: bool = False) -> NotInArchive:
    return NotInArchive(request_id=request.request_id, reason=reason, soon=soon)


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Look("front"), ThumbnailAnswer),
        (AuditLines(), AuditPiece),
        (BeforeCall(1, "front"), Rewind),
    ],
)
def test_what_is_wanted_is_asked_for_until_it_is_whole(
    wisher: Wisher, wish: Wish, kind: type
) -> None:
    listener = wisher.want(wish)
    while not listener.heard:
        wisher.hear(answer_to(wisher.send()))
    assert [type(got) for got in listener.heard] == [kind]
    assert wisher.asks.idle
    assert wisher.asks.next(wisher.now_ns) is None


def test_a_request_says_what_is_wanted(wisher: Wisher) -> None:
    day = datetime.date(2026, 11, 30)
    for wish in (Look("front", 300), BeforeCall(7, "rear"), AuditLines(day, 12)):
        wisher.want(wish)
    requests = []
    for _ in range(3):
        requests.append(wisher.send())
        wisher.hear(none(requests[-1], "no"))
    assert requests == [
        ThumbnailRequest(request_id=1, camera="front", width=300),
        RewindRequest(request_id=2, call_id=7, camera="rear", part=0),
        AuditRequest(request_id=3, day=day, offset=12),
    ]


@pytest.mark.parametrize(("width", "asked"), [(1, 16), (5000, 320)])
def test_a_width_that_no_robot_makes_is_brought_into_range(
    wisher: Wisher, width: int, asked: int
) -> None:
    wisher.want(Look("front", width))
    request = wisher.send()
    assert isinstance(request, ThumbnailRequest)
    assert request.width == asked


def test_one_request_at_a_time_is_under_way(wisher: Wisher) -> None:
    wisher.want(Look("front"))
    wisher.want(Look("rear"))
    wisher.send()
    assert wisher.asks.next(wisher.now_ns) is None


def test_a_request_that_could_not_be_sent_is_the_next_one_again(wisher: Wisher) -> None:
    wisher.want(Look("front"))
    first = wisher.asks.next(wisher.now_ns)
    assert wisher.asks.next(wisher.now_ns) == first


def test_a_look_does_not_wait_for_a_whole_rewind(wisher: Wisher) -> None:
    rewind = wisher.want(BeforeCall(1, "front"))
    wisher.hear(answer_to(wisher.send()))
    look = wisher.want(Look("front"))
    wisher.hear(answer_to(wisher.send()))
    wisher.hear(answer_to(wisher.send()))
    assert len(look.heard) == len(rewind.heard) == 1


def test_between_two_parts_everybody_else_has_a_turn(wisher: Wisher) -> None:
    wisher.want(BeforeCall(1, "front"))
    wisher.want(BeforeCall(1, "rear"))
    wisher.want(Look("front"))
    order = []
    for _ in range(3):
        order.append(wisher.send())
        wisher.hear(answer_to(order[-1]))
    assert [type(request) for request in order] == [RewindRequest, RewindRequest, ThumbnailRequest]


def test_of_two_wishes_of_one_kind_and_camera_the_newer_counts(wisher: Wisher) -> None:
    older, other = wisher.want(Look("front", 100)), wisher.want(Look("rear", 100))
    newer = wisher.want(Look("front", 200))
    for _ in range(2):
        wisher.hear(answer_to(wisher.send()))
    assert (len(older.heard), len(other.heard), len(newer.heard)) == (0, 1, 1)


def test_a_newer_call_begins_its_rewind_anew(wisher: Wisher) -> None:
    older = wisher.want(BeforeCall(1, "front"))
    wisher.hear(answer_to(wisher.send()))
    late = answer_to(wisher.send())
    newer = wisher.want(BeforeCall(2, "front"))
    request = wisher.send()
    assert (request.call_id, request.part) == (2, 0)  # type: ignore[union-attr]
    wisher.hear(late)
    wisher.hear(answer_to(request))
    wisher.hear(answer_to(wisher.send()))
    assert older.heard == []
    (got,) = newer.heard
    assert isinstance(got, Rewind)
    assert got.call_id == 2


def test_the_same_wish_again_keeps_what_has_come(wisher: Wisher) -> None:
    wisher.want(BeforeCall(1, "front"))
    wisher.hear(answer_to(wisher.send()))
    again = wisher.want(BeforeCall(1, "front"))
    wisher.hear(answer_to(wisher.send()))
    assert [type(got) for got in again.heard] == [Rewind]


def test_a_call_that_ends_in_the_middle_is_told(wisher: Wisher) -> None:
    listener = wisher.want(BeforeCall(1, "front"))
    wisher.hear(answer_to(wisher.send()))
    wisher.hear(none(wisher.send(), "The call is over."))
    assert listener.heard == [Missing("The call is over.")]
    assert wisher.asks.idle


def test_what_may_come_soon_is_asked_for_again(wisher: Wisher) -> None:
    listener = wisher.want(BeforeCall(1, "front"))
    wisher.hear(none(wisher.send(), "not known yet", soon=True))
    wisher.now_ns += SOON_NS - 1
    assert wisher.asks.next(wisher.now_ns) is None
    wisher.now_ns += 1
    wisher.hear(answer_to(wisher.send()))
    wisher.hear(answer_to(wisher.send()))
    assert [type(got) for got in listener.heard] == [Rewind]


def test_what_never_comes_is_told_with_the_robots_reason(wisher: Wisher) -> None:
    listener = wisher.want(BeforeCall(1, "front"))
    while not listener.heard:
        if wisher.asks.next(wisher.now_ns) is not None:
            wisher.hear(none(wisher.send(), "This call is not known here yet.", soon=True))
        wisher.now_ns += SOON_NS
        wisher.expire()
    assert listener.heard == [Missing("This call is not known here yet.")]
    assert wisher.now_ns - T0 < PATIENCE_NS + SOON_NS


def test_without_an_answer_a_request_is_sent_again_and_either_answer_counts(
    wisher: Wisher,
) -> None:
    listener = wisher.want(Look("front"))
    first = wisher.send()
    wisher.now_ns += AGAIN_NS - 1
    assert wisher.asks.next(wisher.now_ns) is None
    wisher.now_ns += 1
    assert wisher.send() == first
    wisher.hear(answer_to(first))
    wisher.hear(answer_to(first))
    assert len(listener.heard) == 1


def test_a_robot_that_is_silent_for_too_long_is_told_with_what_is_known(wisher: Wisher) -> None:
    listener = wisher.want(Look("front"))
    wisher.send()
    wisher.now_ns += PATIENCE_NS - 1
    wisher.expire("unreachable")
    assert listener.heard == []
    wisher.now_ns += 1
    wisher.expire("unreachable")
    assert listener.heard == [Missing("The robot has not answered for 10 s: unreachable.")]
    assert wisher.asks.next(wisher.now_ns) is None


def test_a_robot_that_dies_in_the_middle_of_a_rewind_is_told_from_its_last_part_on(
    wisher: Wisher,
) -> None:
    listener = wisher.want(BeforeCall(1, "front"))
    wisher.now_ns += PATIENCE_NS - 1
    wisher.hear(answer_to(wisher.send()))
    wisher.send()
    wisher.now_ns += PATIENCE_NS - 1
    wisher.expire()
    assert listener.heard == []
    wisher.now_ns += 1
    wisher.expire()
    assert listener.heard == [Missing("The robot has not answered for 10 s.")]


def test_an_answer_that_comes_too_late_is_nobodys(wisher: Wisher) -> None:
    wisher.want(Look("front"))
    late = answer_to(wisher.send())
    wisher.now_ns += PATIENCE_NS
    wisher.expire()
    fresh = wisher.want(Look("front"))
    wisher.send()
    wisher.hear(late)
    assert fresh.heard == []


HOSTILE: list[Any] = [
    MalformedMessage("no message"),
    ThumbnailAnswer(request_id=1, camera="rear", captured_ns=1, age_ms=0.0, jpeg=b""),
    AuditPiece(request_id=1, days=()),
    RewindPart(request_id=1, call_id=1, camera="front", part=0, parts=1, frames=b"x"),
]


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: type(answer).__name__)
def test_an_answer_to_something_else_ends_the_wish(wisher: Wisher, answer: Any) -> None:
    listener = wisher.want(Look("front"))
    wisher.send()
    wisher.hear(answer)
    (got,) = listener.heard
    assert isinstance(got, Missing)
    assert got.reason.startswith("The robot's answer cannot be read, is it of another version?")
    assert wisher.asks.idle


def test_what_comes_unasked_does_nothing(wisher: Wisher) -> None:
    for answer in HOSTILE:
        wisher.hear(answer)
    listener = wisher.want(Look("front"))
    wisher.hear(answer_to(wisher.send()))
    assert len(listener.heard) == 1


def test_no_more_is_taken_than_is_promised(wisher: Wisher) -> None:
    for number in range(MOST_WISHES):
        assert wisher.want(Look(f"camera {number}")).heard == []
    one_more = wisher.want(Look("one more"))
    assert one_more.heard == [Missing("Too much is asked of this robot at once; ask again.")]
    assert wisher.want(Look("camera 0", 320)).heard == [], "a newer wish needs no room"


def test_a_robot_is_asked_at_half_the_pace_that_it_allows(wisher: Wisher) -> None:
    sent = 0
    for _ in range(3 * 1000):
        wisher.want(Look("front"))
        while wisher.asks.next(wisher.now_ns) is not None:
            wisher.hear(answer_to(wisher.send()))
            wisher.want(Look("front"))
            sent += 1
        wisher.now_ns += NS_PER_S // 1000
    assert sent <= ASKS_AT_ONCE / 2 + 3 * ASKS_PER_S / 2 + 1
    assert sent >= 3 * ASKS_PER_S / 2


def test_when_a_robot_is_given_up_everybody_is_told(wisher: Wisher) -> None:
    both = [wisher.want(Look("front")), wisher.want(AuditLines())]
    tell(wisher.asks.given_up("closing"))
    assert [listener.heard for listener in both] == [[Missing("closing")]] * 2
    assert wisher.asks.idle


wishes = st.one_of(
    st.builds(Look, st.sampled_from(["front", "rear"]), st.sampled_from([100, 200])),
    st.builds(BeforeCall, st.integers(1, 2), st.sampled_from(["front", "rear"])),
    st.just(AuditLines()),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_each_wish_is_told_once_unless_a_newer_one_took_its_place(data: st.DataObject) -> None:
    wisher, open_wishes, overtaken = Wisher(), dict[tuple[type, str], Listener](), list[Listener]()
    heard: list[Listener] = []
    for _ in range(data.draw(st.integers(1, 40))):
        match data.draw(st.sampled_from(["want", "answer", "lose", "refuse", "wait"])):
            case "want":
                wish = data.draw(wishes)
                what = (type(wish), getattr(wish, "camera", ""))
                before = open_wishes.get(what)
                if before is not None and not before.heard:
                    overtaken.append(before)
                open_wishes[what] = wisher.want(wish)
                heard.append(open_wishes[what])
            case "wait":
                wisher.now_ns += data.draw(st.integers(0, PATIENCE_NS))
                wisher.expire()
            case what_comes:
                request = wisher.asks.next(wisher.now_ns)
                if request is None:
                    continue
                wisher.asks.sent(wisher.now_ns)
                if what_comes == "answer":
                    wisher.hear(answer_to(request))
                elif what_comes == "refuse":
                    wisher.hear(none(request, "no", soon=data.draw(st.booleans())))
    wisher.now_ns += PATIENCE_NS
    wisher.expire()
    for listener in heard:
        assert len(listener.heard) == (0 if listener in overtaken else 1)
    assert wisher.asks.idle
