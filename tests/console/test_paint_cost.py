"""What all pictures of a window cost: conversion and paint, without a GPU."""

from __future__ import annotations

import threading
import time

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.console.fakes import FakeVideo, driven, link_view
from transport.clock import NS_PER_S, now_ns, sleep_until
from transport.picture import Picture
from transport.picture_maker import bgra_of
from ui.bridge import Wake
from ui.cameras import Cameras
from ui.layout import THUMB_H
from ui.main_window import VIEW_HZ
from ui.theme import Theme

CAMERAS = ("front", "ceiling", "left", "right", "rear", "wrist", "gripper", "dock")
FPS, SECONDS = 30, 6
CORES = 0.2  # 0.08 on two cores of a loaded x86 server


@pytest.mark.long
def test_two_panes_and_a_strip_cost_a_fifth_of_a_core_at_most(theme: Theme, qtbot: QtBot) -> None:
    video = FakeVideo(CAMERAS)
    cameras = Cameras(theme, video.mailboxes, video.figures, lambda picture, painted_ns: None)
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1300, 600)
    for place, view in enumerate(cameras.views):
        view.setParent(window)
        if place < 2:
            view.setGeometry(place * 650, 0, 644, 484)  # 640x480 and the frame
        else:
            view.setGeometry((place - 2) * 100, 500, 88, THUMB_H[True])
    wake = Wake(cameras.wake, window)
    video.subscribe(wake.poke)
    looking = QTimer(window)
    looking.timeout.connect(lambda: cameras.look(link_view(driven()), now_ns()))
    looking.start(1000 // VIEW_HZ)
    noise = np.random.default_rng(7).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format="yuv420p")
    leaving = threading.Event()

    def decode() -> None:
        converters = {camera: VideoReformatter() for camera in CAMERAS}
        number, due_ns = 0, now_ns()
        while not leaving.is_set():
            for camera, converter in converters.items():
                bgra = bgra_of(converter.reformat(frame, format="bgra"))
                stamp_ns = now_ns()
                video.put(Picture(camera, number, stamp_ns, stamp_ns, stamp_ns, bgra))
            number += 1
            due_ns += NS_PER_S // FPS
            sleep_until(due_ns)

    thread = threading.Thread(target=decode, daemon=True)
    window.show()
    thread.start()
    try:
        qtbot.wait(1000)
        painted = cameras.main.feed.painted
        used_s, began_ns = time.process_time(), now_ns()
        qtbot.wait(SECONDS * 1000)
        took_s = (now_ns() - began_ns) / NS_PER_S
        cores = (time.process_time() - used_s) / took_s
        rate = (cameras.main.feed.painted - painted) / took_s
    finally:
        leaving.set()
        thread.join(5.0)
        wake.close()
    assert rate > 0.8 * FPS
    assert cores <= CORES, f"{cores:.3f} core"
