"""GStreamer's webrtcbin, as fast as it gets: a peer that `unstick bench video` measures.

A program for the system's own Python, which is where Debian puts GStreamer's bindings; it imports
nothing of ours. `python3 bench_gstreamer.py WIDTH HEIGHT SECONDS CODEC` prints one JSON list: ages
in ms from capture to decoded, one per frame. Sender and receiver are two processes on loopback,
jitter buffer 0, and the number of each frame is drawn into it as for stock aiortc.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import time
from typing import Any

FPS = 30
WARM_UP = 30  # frames
BITS, BLOCK = 20, 16  # as in transport.video_peer
ENCODERS = {
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=2500 key-int-max=120 "
    "option-string=no-deblock=0 "
    "bframes=0 ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 "
    "aggregate-mode=zero-latency ! application/x-rtp,media=video,encoding-name=H264,payload=96",
    "VP8": "vp8enc deadline=1 cpu-used=-6 target-bitrate=2500000 keyframe-max-dist=120 "
    "! rtpvp8pay ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
}
DECODERS = {
    "H264": "rtph264depay ! h264parse ! avdec_h264",
    "VP8": "rtpvp8depay ! vp8dec",
}


def bindings() -> Any:
    """GStreamer's, or ImportError / ValueError where they are not installed."""
    import gi

    for name in ("Gst", "GstWebRTC", "GstSdp"):
        gi.require_version(name, "1.0")
    from gi.repository import Gst, GstSdp, GstWebRTC

    Gst.init(None)
    for element in ("webrtcbin", "nicesrc", "x264enc", "avdec_h264", "vp8enc"):
        if Gst.ElementFactory.find(element) is None:
            raise ValueError(f"GStreamer has no {element}")
    return Gst, GstWebRTC, GstSdp


def described(gst: Any, webrtc: Any, sdp: Any, kind: str, text: str) -> Any:
    """A session description of that kind."""
    _, message = sdp.SDPMessage.new_from_text(text)
    types = {"offer": webrtc.WebRTCSDPType.OFFER, "answer": webrtc.WebRTCSDPType.ANSWER}
    return webrtc.WebRTCSessionDescription.new(types[kind], message)


def send(link: Any, width: int, height: int, seconds: float, codec: str) -> None:
    """The sending process: a moving picture, and word of when each was captured."""
    import numpy as np

    gst, webrtc, sdp = bindings()
    pipeline = gst.parse_launch(
        "appsrc name=source is-live=true format=time do-timestamp=true "
        f"caps=video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1 "
        f"! queue max-size-buffers=1 ! {ENCODERS[codec]} "
        "! webrtcbin name=peer bundle-policy=max-bundle"
    )
    peer, source = pipeline.get_by_name("peer"), pipeline.get_by_name("source")

    def offered(promise: Any, *_: Any) -> None:
        reply = promise.get_reply()  # the offer lives in it: it has to stay
        offer = reply.get_value("offer")
        peer.emit("set-local-description", offer, gst.Promise.new())
        link.send(("offer", offer.sdp.as_text()))

    def negotiate(_: Any) -> None:
        peer.emit("create-offer", None, gst.Promise.new_with_change_func(offered))

    peer.connect("on-negotiation-needed", negotiate)
    peer.connect("on-ice-candidate", lambda _, line, text: link.send(("candidate", line, text)))
    answered = threading.Event()

    def listen() -> None:
        while True:
            try:
                word = link.recv()
            except (EOFError, OSError):
                return
            if word[0] == "answer":
                answer = described(gst, webrtc, sdp, "answer", word[1])
                peer.emit("set-remote-description", answer, gst.Promise.new())
                answered.set()
            else:
                peer.emit("add-ice-candidate", word[1], word[2])

    pipeline.set_state(gst.State.PLAYING)
    threading.Thread(target=listen, daemon=True).start()
    answered.wait(10.0)
    time.sleep(1.0)  # DTLS
    y, x = np.mgrid[0:height, 0:width]
    base = (128 + 60 * np.sin(x / 23.0) + 40 * np.cos(y / 17.0)).astype(np.uint8)
    ring = [np.roll(base, place * 4, axis=1).copy() for place in range(24)]
    colour = bytes([128]) * (width * height // 2)
    start_s = time.monotonic()
    for number in range(round(FPS * seconds)):
        luma = ring[number % len(ring)]
        for bit in range(BITS):
            luma[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 235 if number >> bit & 1 else 16
        time.sleep(max(0.0, start_s + number / FPS - time.monotonic()))
        picture = gst.Buffer.new_wrapped(luma.tobytes() + colour)
        link.send(("captured", number, time.monotonic_ns()))
        source.emit("push-buffer", picture)
    time.sleep(0.5)
    link.send(("end",))
    time.sleep(5.0)


def receive(link: Any, codec: str, seconds: float) -> list[float]:
    """The receiving process: ages of what came out of the decoder."""
    import numpy as np

    gst, webrtc, sdp = bindings()
    pipeline = gst.Pipeline()
    peer = gst.ElementFactory.make("webrtcbin")
    peer.set_property("bundle-policy", "max-bundle")
    peer.set_property("latency", 0)
    pipeline.add(peer)
    captured: dict[int, int] = {}
    decoded: list[tuple[int, int]] = []

    def frame(sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        stamp_ns = time.monotonic_ns()
        buffer = sample.get_buffer()
        width = sample.get_caps().get_structure(0).get_value("width")
        stride = -(-width // 4) * 4
        _, mapped = buffer.map(gst.MapFlags.READ)
        luma = np.frombuffer(mapped.data, np.uint8)[: stride * BLOCK].reshape(BLOCK, stride)
        number = 0
        for bit in range(BITS):
            block = luma[4 : BLOCK - 4, bit * BLOCK + 4 : (bit + 1) * BLOCK - 4]
            number |= int(block.mean() > 128) << bit
        buffer.unmap(mapped)
        decoded.append((number, stamp_ns))
        return gst.FlowReturn.OK

    def added(_: Any, pad: Any) -> None:
        sink = "appsink name=sink sync=false emit-signals=true max-buffers=1 drop=true"
        decoder = gst.parse_bin_from_description(f"{DECODERS[codec]} ! {sink}", True)
        pipeline.add(decoder)
        decoder.get_by_name("sink").connect("new-sample", frame)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def answered(promise: Any, *_: Any) -> None:
        reply = promise.get_reply()  # the answer lives in it: it has to stay
        answer = reply.get_value("answer")
        peer.emit("set-local-description", answer, gst.Promise.new())
        link.send(("answer", answer.sdp.as_text()))

    def answer_it(*_: Any) -> None:
        peer.emit("create-answer", None, gst.Promise.new_with_change_func(answered))

    peer.connect("pad-added", added)
    peer.connect("on-ice-candidate", lambda _, line, text: link.send(("candidate", line, text)))
    pipeline.set_state(gst.State.PLAYING)
    deadline_s = time.monotonic() + seconds + 20.0
    while time.monotonic() < deadline_s:
        if not link.poll(0.2):
            continue
        word = link.recv()
        if word[0] == "end":
            break
        if word[0] == "captured":
            captured[word[1]] = word[2]
        elif word[0] == "candidate":
            peer.emit("add-ice-candidate", word[1], word[2])
        else:
            offer = described(gst, webrtc, sdp, "offer", word[1])
            done = gst.Promise.new_with_change_func(answer_it)
            peer.emit("set-remote-description", offer, done)
    ages = [(stamp - captured[number]) / 1e6 for number, stamp in decoded if number in captured]
    return ages[WARM_UP:]


def main(width: int, height: int, seconds: float, codec: str) -> None:
    """Measure and print."""
    bindings()
    near, far = multiprocessing.Pipe()
    start = multiprocessing.get_context("spawn")
    sender = start.Process(target=send, args=(far, width, height, seconds, codec), daemon=True)
    sender.start()
    ages = receive(near, codec, seconds)
    sender.kill()
    sys.stdout.write(json.dumps(ages) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
