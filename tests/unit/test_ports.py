"""Which process has a port, by what Linux says of it."""

from __future__ import annotations

import os
import secrets
import socket
import sys

import pytest

from transport.channels import CHANNELS
from transport.errors import LinkError
from transport.ports import free_base_port, holder_of, listening

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1DB0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:1DB0 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1
   2: 00000000:1DB1 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1
""".splitlines()


def test_who_listens_is_found_and_who_is_only_connected_is_not() -> None:
    assert listening(0x1DB0, TABLE) == {"socket:[4711]"}
    assert listening(0x1DB1, TABLE) == {"socket:[4713]"}
    assert listening(0xDB0, TABLE) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it in /proc")
@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_the_process_that_listens_is_named_with_its_parent(
    family: socket.AddressFamily, host: str
) -> None:
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        assert holder_of(port) == f" by process {os.getpid()}, started by {os.getppid()}"
    assert holder_of(port) == "", "it is free"


def test_each_channel_has_a_port_of_its_own_before_the_one_that_marks_a_block() -> None:
    assert [channel.offset for channel in CHANNELS] == list(range(9))


def test_a_block_that_was_picked_is_not_picked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    base = free_base_port()
    monkeypatch.setattr(secrets, "randbelow", lambda blocks: (base - 20_000) // 10)
    with pytest.raises(LinkError, match="no free block"):
        free_base_port()
