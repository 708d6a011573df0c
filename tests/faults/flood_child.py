"""Somebody who is let in, sends as much as fits and leaves without a word, again and again.

`python -m tests.faults.flood_child ADDRESS PORT CONFIG_FOLDER CHANNEL ROUNDS`: with a key of its
own that the robot admits, on one of the robot's receiving channels. Ends after the last round.
With 0 rounds it stays instead, sends `RATE_HZ` messages a second until standard input closes, and
then says how many it sent.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import zmq

from teleop.credentials import credentials_for
from tests.faults.child_lines import listen, say
from tests.faults.namespace import be_a_machine_of_its_own
from transport.channels import CHANNELS
from transport.messages import Ping, Request, encode

MESSAGES = 3000  # far above what any of the robot's queues keeps
RATE_HZ = 10_000
BEATS_HZ = 200
STAY_S = 0.4  # long enough for libzmq's heartbeat of 250 ms to find the connection gone


def main(address: str, port: int, config: Path, name: str, rounds: int) -> None:
    """Flood and leave, `rounds` times."""
    channel = next(channel for channel in CHANNELS if channel.name == name)
    credentials = credentials_for(config, address, port)
    kind = {"commands": zmq.PUSH, "state": zmq.XSUB}.get(name, zmq.DEALER)
    message = encode(Request(request_id=1, session="flood", body=Ping()))
    context = zmq.Context()

    def connected() -> zmq.Socket[bytes]:
        flood = context.socket(kind)
        flood.setsockopt(zmq.LINGER, 0)
        flood.setsockopt(zmq.SNDHWM, 2 * MESSAGES)
        flood.curve_publickey = credentials.own.public.encode()
        flood.curve_secretkey = credentials.own.secret.encode()
        flood.curve_serverkey = credentials.robot.encode()
        flood.connect(f"tcp://{address}:{port + channel.offset}")
        return flood

    if rounds == 0:
        flood = connected()
        say(sent=steadily(flood, message))
        flood.close(0)
    for number in range(rounds):
        flood = connected()
        for wish in range(MESSAGES):
            flood.send(b"\x01%d" % wish if kind == zmq.XSUB else message)  # 1: a subscription
        time.sleep(STAY_S)
        flood.close(0)
        time.sleep(STAY_S)
        say(round=number)
    context.term()


def steadily(flood: zmq.Socket[bytes], message: bytes) -> int:
    """As many a second as asked for, as far as the connection takes them; how many it took."""
    leaving, sent = listen(), 0
    say(ready=True)
    while not leaving.wait(1 / BEATS_HZ):
        for _ in range(RATE_HZ // BEATS_HZ):
            try:
                flood.send(message, zmq.NOBLOCK)
            except zmq.Again:
                break  # the robot reads no more of it for now
            sent += 1
    return sent


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
