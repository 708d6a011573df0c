"""A site's STUN and TURN servers: what its file may say, and the credentials made of a secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import tomllib
from pathlib import Path

import pytest
import typer

from teleop import cli
from teleop.ice_files import console_ice, read_ice
from teleop.safety import ConfigError
from transport.ice_servers import (
    MOST_SERVERS,
    NO_SERVERS,
    Account,
    IceFault,
    IceServer,
    IceServers,
    ice_servers,
)

EXAMPLE = """
relay_only = true

[[server]]
urls = ["stun:stun.example.org"]

[[server]]
urls = ["turn:turn.example.org", "turn:turn.example.org:443?transport=tcp", "turns:[2001:db8::7]"]
secret = "north"
username = "rover-01"
lifetime_h = 2

[[server]]
urls = "turn:192.0.2.7:3479?transport=udp"
username = "op"
password = "pw"
"""
TURN = '[[server]]\nurls = ["turn:t"]\n'


def read(text: str) -> IceServers:
    return ice_servers(tomllib.loads(text))


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "ice.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


# --- what a file may say ---


def test_without_a_table_no_server_is_ever_asked() -> None:
    assert ice_servers({}) == NO_SERVERS
    assert NO_SERVERS.servers == ()
    assert not NO_SERVERS.relay_only


def test_every_kind_of_url_is_read_with_its_usual_port() -> None:
    rest = Account("rover-01", secret="north", lifetime_s=7200.0)
    fixed = Account("op", "pw")
    assert read(EXAMPLE) == IceServers(
        (
            IceServer("stun:stun.example.org", "stun", "stun.example.org", 3478),
            IceServer(
                "turn:turn.example.org", "turn", "turn.example.org", 3478, "udp", account=rest
            ),
            IceServer(
                "turn:turn.example.org:443?transport=tcp",
                *("turn", "turn.example.org", 443, "tcp"),
                account=rest,
            ),
            IceServer(
                "turns:[2001:db8::7]", "turn", "2001:db8::7", 5349, "tcp", tls=True, account=rest
            ),
            IceServer(
                "turn:192.0.2.7:3479?transport=udp", "turn", "192.0.2.7", 3479, account=fixed
            ),
        ),
        relay_only=True,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("relay = true", "relay"),
        ("relay_only = 1", "relay_only"),
        ("relay_only = true", "relay_only = true needs a turn"),
        ('relay_only = true\n[[server]]\nurls = "stun:s"', "relay_only = true needs a turn"),
        ("server = 3", "server"),
        ("[[server]]\n", "urls"),
        ("[[server]]\nurls = []", "server 1: urls is empty"),
        ("[[server]]\nurls = [3]", "urls"),
        (TURN + 'usename = "a"', "usename"),
        (TURN, "server 1: a turn server needs username and password, or a secret"),
        (TURN + 'username = "a"', "username and password belong together"),
        (TURN + 'password = "a"', "username and password belong together"),
        (TURN + 'username = "a"\npassword = "b"\nsecret = "c"', "both password and secret"),
        (TURN + 'secret = "c"\nlifetime_h = 0', "lifetime_h = 0 is not between"),
        (TURN + 'secret = "c"\nlifetime_h = 1000', "lifetime_h = 1000 is not between"),
        (TURN + 'secret = "c"\nlifetime_h = nan', "lifetime_h = nan is not between"),
        (TURN + f'secret = "{"c" * 300}"', "secret is longer"),
        (TURN + 'secret = "a\\u0000b"', "secret is longer than 256 or no plain text"),
        ('[[server]]\nurls = "stun:s"\nsecret = "c"', "stun needs no username"),
        ('[[server]]\nurls = "stun:s"\n' + TURN, "server 2: a turn server needs"),
    ],
)
def test_a_wrong_file_is_refused_and_names_the_key(text: str, said: str) -> None:
    with pytest.raises(IceFault) as refused:
        read(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "turn.example.org",
        "http://turn.example.org",
        "turn:",
        "turn://turn.example.org",
        "turn:user@turn.example.org",
        "turn:2001:db8::7",
        "turn:t:0",
        "turn:t:65536",
        "turn:t:٣",
        "turn:t\n",
        "turn:t?transport=sctp",
        "turns:t?transport=udp",
        "stuns:s",
        "stun:s?transport=udp",
        "TURN:t",
    ],
)
def test_a_url_of_another_kind_is_refused_with_those_there_are(url: str) -> None:
    with pytest.raises(IceFault, match=r"server 1: urls\[0\]") as refused:
        ice_servers({"server": [{"urls": [url], "secret": "c"}]})
    assert "turn:host" in str(refused.value) or "3478" in str(refused.value)


def test_more_servers_than_can_be_asked_each_time_are_refused() -> None:
    urls = [f"stun:s{number}" for number in range(MOST_SERVERS)]
    assert len(ice_servers({"server": [{"urls": urls}]}).servers) == MOST_SERVERS
    with pytest.raises(IceFault, match="at most 8"):
        ice_servers({"server": [{"urls": [*urls, "stun:more"]}]})


# --- credentials ---


def test_a_password_is_used_as_it_is() -> None:
    assert Account("op", "pw").credentials(0.0) == ("op", "pw")


def test_a_secret_gives_a_name_with_an_end_and_its_signature() -> None:
    account = Account("rover-01", secret="north", lifetime_s=7200.0)
    username, password = account.credentials(1_700_000_000.9)
    assert username == "1700007200:rover-01"
    digest = hmac.new(b"north", b"1700007200:rover-01", hashlib.sha1).digest()
    assert base64.b64decode(password) == digest
    # printf 1700007200:rover-01 | openssl dgst -sha1 -hmac north -binary | base64
    assert password == "QZcGRGgQOOyoZtESexVVm4W6TjM="


def test_each_connection_gets_credentials_that_last_from_its_own_time() -> None:
    account = Account("rover-01", secret="north")
    names = [account.credentials(unix_s)[0] for unix_s in (0.0, 3600.0)]
    assert names == ["43200:rover-01", "46800:rover-01"]


def test_no_secret_is_told_by_what_is_logged() -> None:
    told = repr(read(EXAMPLE))
    assert "rover-01" in told
    assert "north" not in told
    assert "'pw'" not in told


# --- who is asked ---


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_an_end_on_loopback_asks_servers_on_loopback_only(host: str) -> None:
    servers = ice_servers({"server": [{"urls": [f"stun:{host}", "stun:198.51.100.7"]}]})
    assert [s.url for s in servers.seen_from("127.0.0.1")] == [f"stun:{host}"]
    for everywhere in ("", "0.0.0.0", "192.0.2.3"):
        assert servers.seen_from(everywhere) == servers.servers


# --- the file ---


def test_a_private_file_is_read(tmp_path: Path) -> None:
    assert read_ice(written(tmp_path, EXAMPLE)) == read(EXAMPLE)


def test_a_file_that_others_can_read_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        read_ice(written(tmp_path, EXAMPLE, 0o644))


@pytest.mark.parametrize("text", ["[[server]", 'relay_only = "yes"', "\udcff"])
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ice.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"ice\.toml"):
        read_ice(path)


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="leave --ice out"):
        read_ice(tmp_path / "none.toml")


def test_a_console_takes_the_chosen_file_else_its_own_else_none(tmp_path: Path) -> None:
    assert console_ice(tmp_path, None) == NO_SERVERS
    usual = written(tmp_path, '[[server]]\nurls = "stun:usual"')
    assert [s.host for s in console_ice(tmp_path, None).servers] == ["usual"]
    chosen = usual.rename(tmp_path / "chosen.toml")
    written(tmp_path, "nonsense = 1")
    assert [s.host for s in console_ice(tmp_path, chosen).servers] == ["usual"]


# --- the command line ---


def test_an_agent_refuses_a_wrong_file_before_it_starts_anything(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ice\.toml: server 1"):
        cli.agent(state=tmp_path, ice=written(tmp_path, TURN))


def test_an_agent_hands_the_file_to_the_process_that_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def run_agent(control: list[str], media: list[str], **_: object) -> int:
        started.extend((control, media))
        return 0

    monkeypatch.setattr("teleop.agent.run_agent", run_agent)
    path = written(tmp_path, EXAMPLE)
    with pytest.raises(typer.Exit):
        cli.agent(state=tmp_path / "state", ice=path, announce=True)
    control, media = started
    assert "--ice" not in control
    assert media[media.index("--ice") + 1] == str(path)


def test_a_console_hands_the_file_to_its_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def window(program: str, command: list[str]) -> None:
        started.append(command)
        raise typer.Exit

    monkeypatch.setattr(cli.sys, "platform", "linux")
    monkeypatch.setattr(cli.os, "execv", window)
    with pytest.raises(typer.Exit):
        cli.console(config=tmp_path, ice=tmp_path / "chosen.toml")
    assert started[0][-2:] == ["--ice", str(tmp_path / "chosen.toml")]
