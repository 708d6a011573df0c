"""What a WebRTC description of the other end must be before aiortc may see it.

Pure. aiortc takes what is missing or doubled in its stride: without a fingerprint it stays
"connecting" for ever, of two sections it may check the fingerprint of one, a host name makes it ask
the network. So both ends hold what they receive against this page: a closed grammar in which each
line has to match and is counted, then what the lines have to say together. What passes is only
well formed; that the certificate has the fingerprint is for the DTLS handshake to show.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from transport.errors import LinkError
from transport.messages import SDP_LENGTH

LINE_LENGTH: Final = 400  # the longest our own peers send is a SHA-512 fingerprint, 212
CANDIDATES: Final = 32  # for each section; a laptop with a VPN, containers and IPv6 has a dozen
LOWEST_PORT: Final = 1024  # ICE takes ports above; below are services that want no checks of ours

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class DescriptionRefused(LinkError):
    """A description of the other end that aiortc must not see; the message says what is wrong."""


@dataclass(frozen=True)
class _Line:
    """How a kind of line must look after its name, and how often it stands in its part."""

    value: re.Pattern[str]
    least: int
    most: int


def _line(value: str, least: int = 1, most: int = 1) -> _Line:
    return _Line(re.compile(value, re.ASCII), least, most)


_IP = r"IN IP[46] [0-9A-Fa-f.:]{2,45}"
_TYPE = r"(?:9[6-9]|1[01]\d|12[0-7])"  # dynamic payload types, RFC 3551 6
_FORMAT = (
    "(?:level-asymmetry-allowed=[01]|packetization-mode=[012]"
    rf"|profile-level-id=[0-9A-Fa-f]{{6}}|apt={_TYPE})"
)
_TOKEN = r"[A-Za-z0-9+/=_{}.:-]{1,64}"

# Fingerprint, setup and ICE credentials stand in the sections; up here they would count twice.
_SESSION: Final = {
    "v=": _line("0"),
    "o=": _line(rf"\S{{1,64}} \d{{1,20}} \d{{1,20}} {_IP}"),
    "s=": _line(".{1,64}"),
    "t=": _line("0 0"),
    "a=group": _line(r"BUNDLE(?: [A-Za-z0-9]{1,16}){1,32}"),
    "a=msid-semantic": _line(rf" ?WMS(?: (?:\*|{_TOKEN}))*", 0),
}
_SECTION: Final = {
    "c=": _line(_IP),
    "a=sendonly": _line("", 0),
    "a=recvonly": _line("", 0),
    "a=extmap": _line(r"(?:[1-9]|1[0-4]) \S{1,200}", 0, 16),
    "a=mid": _line("[A-Za-z0-9]{1,16}"),
    "a=msid": _line(rf"{_TOKEN} {_TOKEN}", 0),
    "a=rtcp": _line(rf"\d{{1,5}} {_IP}", 0),
    "a=rtcp-mux": _line(""),
    "a=ssrc-group": _line(r"FID \d{1,10} \d{1,10}", 0),
    "a=ssrc": _line(rf"\d{{1,10}} (?:cname|msid|mslabel|label):{_TOKEN}(?: {_TOKEN})?", 0, 8),
    "a=rtpmap": _line(rf"{_TYPE} (?:H264|rtx)/90000", 1, 16),
    "a=rtcp-fb": _line(rf"{_TYPE} [a-z-]{{1,16}}(?: [a-z-]{{1,16}})?", 0, 64),
    "a=fmtp": _line(rf"{_TYPE} {_FORMAT}(?:;{_FORMAT}){{0,3}}", 0, 16),
    "a=candidate": _line(
        # What a relay serves is always UDP, also to who talks TCP or TLS with it. The address that
        # a candidate is related to (RFC 8839 5.1) is shown, never sent to.
        r"[A-Za-z0-9+/]{1,32} 1 udp [1-9]\d{0,9} \S{1,255} \d{1,5} typ "
        r"(?:host|(?:srflx|relay) raddr [0-9A-Fa-f.:]{2,45} rport \d{1,5})",
        1,
        CANDIDATES,
    ),
    "a=end-of-candidates": _line(""),  # nothing is trickled: all stand here
    "a=ice-ufrag": _line(r"[A-Za-z0-9+/]{4,256}"),  # lengths of RFC 8839 5.4
    "a=ice-pwd": _line(r"[A-Za-z0-9+/]{22,256}"),
    "a=fingerprint": _line(r"\S{1,16} \S{1,200}", 1, 3),
    "a=setup": _line("actpass|active|passive"),
}
_VIDEO: Final = re.compile(rf"m=video (\d{{1,5}}) UDP/TLS/RTP/SAVPF ({_TYPE}(?: {_TYPE}){{0,15}})")
_CODEC: Final = re.compile(r"a=rtpmap:\d{1,3} ([A-Za-z0-9.+-]{1,16})/\S{1,16}", re.ASCII)
_SPOKEN: Final = ("H264", "rtx")
_NAMED: Final = 4  # of the codecs that are not spoken here; nobody reads a longer list
_OCTETS: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}  # SHA-1 and MD5 can be forged
_SAME_IN_ALL: Final = ("a=ice-ufrag", "a=ice-pwd", "a=setup")

_Lines: TypeAlias = dict[str, list[str]]


def check_offer(sdp: str, *, cameras: int, bind_host: str) -> None:
    """Hold a viewer's offer against what it may be, on the robot.

    Args:
        sdp: the offer as it was received.
        cameras: how many video sections it must have.
        bind_host: the address ICE is bound to at this end; "" and "0.0.0.0" mean all.

    Raises:
        DescriptionRefused: it is anything but an offer to receive that many cameras.
    """
    _check(sdp, cameras, bind_host, direction="recvonly", setups=("actpass",))


def check_answer(sdp: str, *, cameras: int, bind_host: str) -> None:
    """Hold the robot's answer against what it may be, on the console; see `check_offer`."""
    _check(sdp, cameras, bind_host, direction="sendonly", setups=("active", "passive"))


def _check(
    sdp: str, cameras: int, bind_host: str, *, direction: str, setups: Sequence[str]
) -> None:
    head, *bodies = _parts(sdp)
    if not sdp.startswith("v=0"):
        raise DescriptionRefused("it is no description of pictures (SDP)")
    _check_spoken(bodies)
    session = _counted(head, _SESSION, "the session part")
    if len(bodies) != cameras:
        raise DescriptionRefused(f"{len(bodies)} media sections for {cameras} cameras")
    sections = []
    for number, (first, *rest) in enumerate(bodies, 1):
        where = f"section {number}"
        media = _VIDEO.fullmatch(first)
        if media is None or not 0 < int(media[1]) < 65536:
            raise DescriptionRefused(f"{where} is not encrypted video")
        section = _counted(rest, _SECTION, where)
        if [name for name in ("sendonly", "recvonly") if section[f"a={name}"]] != [direction]:
            raise DescriptionRefused(f"{where} is not {direction}")
        if section["a=setup"][0] not in setups:
            raise DescriptionRefused(f"{where} leaves the DTLS roles open or takes both")
        _check_codecs(media[2].split(), section, where)
        for candidate in section["a=candidate"]:
            _check_candidate(candidate, bind_host, where)
        sections.append(section)
    _check_bundle(session, sections)


def _parts(sdp: str) -> list[list[str]]:
    """The lines of the session part, then those of each media section."""
    if len(sdp) > SDP_LENGTH:
        raise DescriptionRefused(f"longer than {SDP_LENGTH} characters")
    # Python and aiortc would split lines at ten more characters than SDP does.
    if re.fullmatch(r"[\x20-\x7e\r\n]*", sdp) is None:
        raise DescriptionRefused("has characters that are not plain text")
    parts: list[list[str]] = [[]]
    for line in sdp.splitlines():
        if len(line) > LINE_LENGTH:
            raise DescriptionRefused(f"has a line of more than {LINE_LENGTH} characters")
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line)
    return parts


def _check_spoken(bodies: Sequence[Sequence[str]]) -> None:
    """Before the grammar: who comes with other codecs is told which, not in which line."""
    lines = [line for body in bodies if body[0].startswith("m=video ") for line in body]
    named = (found[1] for line in lines if (found := _CODEC.fullmatch(line)) is not None)
    foreign = [codec for codec in dict.fromkeys(named) if codec not in _SPOKEN]
    if foreign:
        codecs = ", ".join(foreign[:_NAMED])
        raise DescriptionRefused(f"it is for {codecs}; pictures here are H.264 only")


def _counted(lines: Sequence[str], grammar: dict[str, _Line], where: str) -> _Lines:
    """The values by name of line; each matches and none stands there too often or too rarely."""
    found: _Lines = {name: [] for name in grammar}
    for line in lines:
        if line.startswith("a="):
            attribute, _, value = line[2:].partition(":")
            name = "a=" + attribute
        else:
            name, value = line[:2], line[2:]
        rule = grammar.get(name)
        if rule is None:
            raise DescriptionRefused(f"{where} has a line that does not belong there: {name[:24]}")
        if rule.value.fullmatch(value) is None:
            raise DescriptionRefused(f"{where}: {name} is not well formed")
        found[name].append(value)
    for name, rule in grammar.items():
        if not rule.least <= len(found[name]) <= rule.most:
            raise DescriptionRefused(f"{where} has {len(found[name])} lines {name}")
    return found


def _check_bundle(session: _Lines, sections: Sequence[_Lines]) -> None:
    """One transport for all sections: what describes it must be the same in each."""
    mids = [section["a=mid"][0] for section in sections]
    if session["a=group"][0].split()[1:] != mids or len(set(mids)) != len(mids):
        raise DescriptionRefused("does not bundle its sections on one connection")
    fingerprints = [
        _fingerprints(section["a=fingerprint"], f"section {number}")
        for number, section in enumerate(sections, 1)
    ]
    if any(these != fingerprints[0] for these in fingerprints):
        raise DescriptionRefused("has sections with different fingerprints")
    for name in _SAME_IN_ALL:
        if len({section[name][0] for section in sections}) > 1:
            raise DescriptionRefused(f"has sections with different lines {name}")


def _fingerprints(values: Sequence[str], where: str) -> dict[str, str]:
    """Fingerprint by algorithm, both in one case; strong ones only, one for each algorithm."""
    found: dict[str, str] = {}
    for value in values:
        algorithm, digits = value.split()
        algorithm = algorithm.lower()
        octets = _OCTETS.get(algorithm)
        if octets is None:
            raise DescriptionRefused(f"{where} has a fingerprint that is not SHA-256, 384 or 512")
        if re.fullmatch(rf"(?:[0-9A-Fa-f]{{2}}:){{{octets - 1}}}[0-9A-Fa-f]{{2}}", digits) is None:
            raise DescriptionRefused(f"{where} has a {algorithm} fingerprint that is not one")
        if algorithm in found:
            raise DescriptionRefused(f"{where} has two {algorithm} fingerprints")
        found[algorithm] = digits.upper()
    return found


def _check_codecs(types: Sequence[str], section: _Lines, where: str) -> None:
    """H.264 and its retransmission only, and nothing about a payload type that is not announced."""
    mapped = Counter(value.split()[0] for value in section["a=rtpmap"])
    described = Counter(value.split()[0] for value in section["a=fmtp"])
    answered = {value.split()[0] for value in section["a=rtcp-fb"]}
    if mapped != Counter(set(types)) or len(types) != len(mapped):
        raise DescriptionRefused(f"{where} announces other payload types than it describes")
    if not set(described) | answered <= set(mapped) or max(described.values(), default=1) > 1:
        raise DescriptionRefused(f"{where} describes a payload type twice or without announcing it")
    if not any(value.endswith(" H264/90000") for value in section["a=rtpmap"]):
        raise DescriptionRefused(f"{where} does not offer H.264")


def _check_candidate(candidate: str, bind_host: str, where: str) -> None:
    """An address this end may send to: a number, of one machine, loopback only if we are, too."""
    words = candidate.split()
    host, port = words[4:6]
    if len(words) > 8 and (_address(words[9]) is None or int(words[11]) > 65535):
        raise DescriptionRefused(f"{where} has a candidate related to no IP address")
    address = _address(host)
    if address is None:
        # No names, mDNS (.local) included: our peers send none, and looking one up asks the network
        # for what a stranger wrote.
        raise DescriptionRefused(f"{where} has a candidate that is no IP address")
    if not LOWEST_PORT <= int(port) < 65536:
        raise DescriptionRefused(f"{where} has a candidate with a port below {LOWEST_PORT}")
    own = _address(bind_host)
    if address.is_loopback:
        if own is not None and not own.is_loopback and not own.is_unspecified:
            raise DescriptionRefused(f"{where} has a loopback candidate, this end is at {own}")
        return
    if own is not None and own.is_loopback:
        raise DescriptionRefused(f"{where} has a candidate outside this machine: connect to {own}")
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    if mapped or address.is_unspecified or address.is_multicast or address.is_reserved:
        raise DescriptionRefused(f"{where} has a candidate that is not the address of one machine")


def _address(host: str) -> _Address | None:
    """The address, None when `host` is a name, has a scope, or is empty."""
    if "%" in host:
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
