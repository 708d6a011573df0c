"""A UDP echo, and a TCP sink that says how much it has read: the far end for the rig's own tests.

`python -m tests.faults.echo_child ADDRESS PORT`; leaves when standard input closes.
"""

from __future__ import annotations

import selectors
import socket
import sys

from tests.faults.child_lines import say
from tests.faults.namespace import be_a_machine_of_its_own


def main(address: str, port: int) -> None:
    """Echo until standard input closes."""
    selector = selectors.DefaultSelector()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, port))
    listener = socket.create_server((address, port))
    for readable in (udp, listener, sys.stdin):
        selector.register(readable, selectors.EVENT_READ)
    say(ready=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is udp:
                message, peer = udp.recvfrom(65_536)
                udp.sendto(message, peer)
            elif key.fileobj is listener:
                with listener.accept()[0] as peer_socket:
                    received = b"".join(iter(lambda: peer_socket.recv(65_536), b""))
                    peer_socket.sendall(str(len(received)).encode())


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(sys.argv[1], int(sys.argv[2]))
