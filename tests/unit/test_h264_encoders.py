"""Hardware encodes where it really works, and software wherever it does not."""

from __future__ import annotations

from typing import Any

import pytest
from av.video.frame import PictureType

from transport import h264
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.h264_encoders import (
    HARDWARE,
    SOFTWARE,
    H264Encoder,
    choose,
    described,
    opened,
    trouble,
)
from transport.i420 import black

NVENC = HARDWARE[0]


class Packet:
    def __init__(self, *, is_keyframe: bool) -> None:
        self.is_keyframe = is_keyframe


class Chip:
    """A codec context that behaves, but for what a test says."""

    def __init__(self, *, late: bool = False, deaf: bool = False, dies_at: int = -1) -> None:
        self.late, self.deaf, self.dies_at = late, deaf, dies_at
        self.pictures = 0

    def encode(self, picture: Any) -> list[Packet]:
        self.pictures += 1
        if self.pictures == self.dies_at:
            raise OSError("the device was lost")
        if self.late and self.pictures == 1:
            return []
        asked = picture.pict_type == PictureType.I and not self.deaf
        return [Packet(is_keyframe=asked or self.pictures == 1)]


def opening(chip: Chip) -> Any:
    return lambda *_: chip


def test_a_chip_that_encodes_every_picture_at_once_can_be_used() -> None:
    assert trouble(NVENC, opening(Chip())) == ""


@pytest.mark.parametrize(
    ("chip", "why"),
    [
        (Chip(late=True), "holds pictures back"),
        (Chip(deaf=True), "makes no key frame when asked, or others"),
        (Chip(dies_at=3), "the device was lost"),
    ],
)
def test_a_chip_that_does_not_serve_live_pictures_is_not_used(chip: Chip, why: str) -> None:
    assert trouble(NVENC, opening(chip)) == why


def test_one_that_does_not_open_is_not_used_and_says_why() -> None:
    def refuses(*_: object) -> Any:
        raise PermissionError("no NVENC capable devices found")

    assert trouble(NVENC, refuses) == "no NVENC capable devices found"


@pytest.mark.parametrize("works", HARDWARE, ids=lambda encoder: encoder.name)
def test_the_first_that_works_is_chosen(works: H264Encoder) -> None:
    chosen, why = choose(lambda encoder: "" if encoder is works else "absent")
    assert chosen is works
    assert list(why) == [encoder.name for encoder in HARDWARE[: HARDWARE.index(works)]]


def test_where_none_works_software_is_chosen() -> None:
    chosen, why = choose(lambda _: "absent")
    assert chosen is SOFTWARE
    assert set(why) == {encoder.name for encoder in HARDWARE}


def test_software_works_here_and_the_choice_is_told() -> None:
    assert trouble(SOFTWARE) == ""
    chosen, why = choose()
    if chosen is SOFTWARE:  # a machine without such chips: every one was really tried
        assert set(why) == {encoder.name for encoder in HARDWARE}
    assert described().startswith(f"{chosen.name} ({chosen.what}), PyAV ")


def test_a_chip_that_fails_in_mid_stream_is_replaced_by_software(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chip = Chip(dies_at=1)
    really = opened
    monkeypatch.setattr(
        h264, "opened", lambda encoder, *rest: chip if encoder is NVENC else really(encoder, *rest)
    )
    encoder = StreamEncoder(64, 48, 30, 300_000, NVENC)
    grey = black(64, 48)
    assert encoder.encode(grey, FrameStamp(0, 0), key_frame=False) is None
    after = encoder.encode(grey, FrameStamp(33_000_000, 1), key_frame=False)
    assert after is not None
    assert after.is_keyframe
    assert encoder.encoder is SOFTWARE


def test_a_chip_that_takes_no_further_session_is_replaced_by_software() -> None:
    """Here it is one that is not there at all; consumer cards refuse the ninth."""
    absent = H264Encoder("h264_absent", "nothing")
    encoder = StreamEncoder(64, 48, 30, 300_000, absent)
    packet = encoder.encode(black(64, 48), FrameStamp(0, 0), key_frame=False)
    assert packet is not None
    assert encoder.encoder is SOFTWARE
