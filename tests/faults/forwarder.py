"""The network between robot and operator: two namespaces, two TUN devices, one bad link each way.

A program of its own (`python -m tests.faults.forwarder SEED`), so that the emulated network keeps
its times while the test is busy. It is told what to do by one JSON object per line on standard
input and answers each with one on standard output; it leaves when standard input closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from tests.faults.child_lines import say
from tests.faults.ip_packet import (
    UDP,
    is_ipv4,
    segment_of,
    source_of,
    target_of,
    with_source,
    with_target,
)
from tests.faults.link_model import NS_PER_MS, NS_PER_S, Direction, named
from tests.faults.namespace import be_a_machine_of_its_own, enter_new, give_address, tun_device

ROBOT_ADDRESS = "10.77.0.1"
OPERATOR_ADDRESS = "10.77.0.2"
MOST_AT_ONCE = 64  # packets read from one device before the clock is looked at again


@dataclass
class End:
    """One end of the link: its namespace, its device, a socket to configure it with."""

    name: str
    namespace: int
    device: int
    control: socket.socket
    address: str


def made_end(name: str, address: str) -> End:
    """A namespace with a TUN device that has `address`."""
    namespace = enter_new()
    device = tun_device(name)
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    give_address(control, name, address)
    return End(name, namespace, device, control, address)


class Forwarder:
    """Carries packets between the two ends and obeys the test."""

    def __init__(self, seed: int) -> None:
        self.robot = made_end("robot", ROBOT_ADDRESS)
        self.operator = made_end("operator", OPERATOR_ADDRESS)
        self.directions = {"to_robot": Direction(seed), "to_operator": Direction(seed + 1)}
        self.nat = ""  # the address that the robot sees instead of the operator's; empty: its own
        self.no_udp = False  # a firewall that lets TCP through only
        self._told = b""

    def run(self) -> None:
        """Until standard input closes."""
        say(namespaces=[self.robot.namespace, self.operator.namespace])
        while True:
            readable, _, _ = select.select(
                [0, self.robot.device, self.operator.device], [], [], self._patience_s()
            )
            if self.operator.device in readable:
                self._take(self.operator.device, self.directions["to_robot"])
            if self.robot.device in readable:
                self._take(self.robot.device, self.directions["to_operator"])
            self._give("to_robot", self.robot.device)
            self._give("to_operator", self.operator.device)
            if 0 in readable and not self._listen():
                return

    def _patience_s(self) -> float:
        due = [d for d in (link.next_due_ns() for link in self.directions.values()) if d]
        return max(0.0, (min(due) - time.monotonic_ns()) / NS_PER_S) if due else 1.0

    def _take(self, device: int, direction: Direction) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                packet = os.read(device, 65_536)
            except BlockingIOError:
                return
            if is_ipv4(packet) and not self._stopped(packet, direction):
                direction.offer(packet, time.monotonic_ns())

    def _stopped(self, packet: bytes, direction: Direction) -> bool:
        segment = segment_of(packet)
        if not self.no_udp or segment is None or segment.protocol != UDP:
            return False
        direction.counts["blocked"] += 1
        return True

    def _give(self, name: str, device: int) -> None:
        for packet in self.directions[name].due(time.monotonic_ns()):
            if self.nat and name == "to_robot" and source_of(packet) == self.operator.address:
                packet = with_source(packet, self.nat)
            if self.nat and name == "to_operator" and target_of(packet) == self.nat:
                packet = with_target(packet, self.operator.address)
            with contextlib.suppress(OSError):  # refused by the kernel: as good as lost
                os.write(device, packet)

    def _listen(self) -> bool:
        raw = os.read(0, 65_536)
        self._told += raw
        *lines, self._told = self._told.split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(raw)

    def _obey(self, order: dict[str, Any]) -> None:
        chosen = {name: self.directions[name] for name in order.get("on", self.directions)}
        now_ns = time.monotonic_ns()
        answer: dict[str, Any] = {}
        match order["do"]:
            case "set":
                for direction in chosen.values():
                    direction.set(named(**order["settings"]))
            case "cut":
                for_ms = order["for_ms"]
                for direction in chosen.values():
                    direction.cut(now_ns, -1 if for_ms is None else int(for_ms * NS_PER_MS))
            case "mend":
                for direction in chosen.values():
                    direction.mend()
            case "forget":
                for direction in chosen.values():
                    direction.forget()
            case "move":  # the operator gets another address, as after a change of Wi-Fi
                self.operator.address = order["address"]
                give_address(self.operator.control, self.operator.name, self.operator.address)
            case "firewall":
                self.no_udp = order["no_udp"]
            case "nat":
                self.nat = order["address"]
            case "counts":
                answer = {name: dict(direction.counts) for name, direction in chosen.items()}
            case "log":
                answer = {name: _readable(direction) for name, direction in chosen.items()}
                answer["full"] = any(direction.log_is_full for direction in chosen.values())
        say(stamp_ns=now_ns, answer=answer)


def _readable(direction: Direction) -> list[dict[str, Any]]:
    passages = []
    for passage in direction.log:
        segment = segment_of(passage.packet)
        passages.append(
            {
                "in_ns": passage.in_ns,
                "out_ns": passage.out_ns,
                "size": passage.size,
                "fate": passage.fate,
                "protocol": segment.protocol if segment else 0,
                "source_port": segment.source_port if segment else 0,
                "target_port": segment.target_port if segment else 0,
                "sequence": segment.sequence if segment else 0,
                "payload": segment.payload if segment else 0,
            }
        )
    return passages


if __name__ == "__main__":
    be_a_machine_of_its_own()
    Forwarder(int(sys.argv[1])).run()
