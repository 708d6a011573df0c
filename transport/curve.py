"""Keys of a machine, as CURVE uses them."""

from __future__ import annotations

from dataclasses import dataclass, field

import zmq


@dataclass(frozen=True)
class KeyPair:
    """The identity of one machine, both halves in Z85, 40 characters each."""

    public: str
    secret: str = field(repr=False)


def new_key_pair() -> KeyPair:
    """A new identity from the system's source of randomness."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode("ascii"), secret.decode("ascii"))
