"""The key file: what may stand in it, how it is replaced, and what its keys promise over a rotation."""

import os
import stat
from base64 import b64encode

import pytest

from gateway.domain.vocabulary import Purpose
from gateway.errors import ConfigError, WrongKey
from gateway.store import key_sources
from gateway.store.key_file import KeyRing, new_ring, parse, text_of
from gateway.store.key_sources import CommandSource, FileSource
from gateway.store.sealing import SiteKeys, load_keys
from tests.peers.process import wait_for

A = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
RUBBISH = {
    "nothing": "",
    "no TOML": "current = a",
    "no keys": 'current = "a"',
    "an empty table": 'current = "a"\n[keys]\n',
    "a list for a table": 'current = "a"\nkeys = ["a"]\n',
    "a number for a secret": 'current = "a"\n[keys]\na = 5\n',
    "no base64": 'current = "a"\n[keys]\na = "hush!"\n',
    "a short secret": 'current = "a"\n[keys]\na = "aHVzaA=="\n',
    "a capital letter": f'current = "A"\n[keys]\nA = "{A}"\n',
    "two letters": f'current = "ab"\n[keys]\nab = "{A}"\n',
    "a current one that is not there": f'current = "b"\n[keys]\na = "{A}"\n',
    "a retired current one": f'current = "a"\nretired = ["a"]\n[keys]\na = "{A}"\n',
    "a retired one that is not there": f'current = "a"\nretired = ["b"]\n[keys]\na = "{A}"\n',
    "digests by a key that is not there": f'current = "a"\ndigests = "b"\n[keys]\na = "{A}"\n',
}


@pytest.mark.parametrize("text", RUBBISH.values(), ids=RUBBISH)
def test_what_is_no_key_file_is_said_without_what_stands_in_it(tmp_path, text):
    file = tmp_path / "gateway.keys"
    file.write_text(text)
    with pytest.raises(ConfigError, match="is no key file") as said:
        load_keys(file)
    assert "hush" not in str(said.value)


def test_a_ring_comes_back_from_its_text():
    ring = new_ring().rotated().rotated().without("b").without("a")
    assert (ring.current, ring.digests, ring.retired, ring.letters) == ("c", "a", {"a"}, {"c"})
    for bare in (True, False):
        assert parse(text_of(ring, bare=bare)) == ring
    assert "LOSING THIS FILE IS LOSING THE MAIL" in text_of(ring)


def test_letters_are_used_again_only_when_all_were_used():
    ring = new_ring()
    for _ in range(25):
        ring = ring.rotated()
    assert ring.current == "z"
    with pytest.raises(ValueError, match="every letter"):
        ring.rotated()
    assert ring.without("f").rotated().current == "f"


def test_no_secret_is_shown_with_a_ring():
    ring = KeyRing({"a": b"hush" * 8}, "a", "a")
    assert "hush" not in repr(ring)


def test_a_file_is_replaced_whole_and_stays_with_whom_it_was(tmp_path):
    file, link = tmp_path / "there.keys", tmp_path / "gateway.keys"
    file.write_text(text_of(new_ring()))
    file.chmod(0o644)
    link.symlink_to(file)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    (tmp_path / "there.keys.part").write_text("of a run that was killed")
    source = FileSource(link)
    source.write(source.ring().rotated())
    assert source.ring().current == "b"
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.stat().st_uid == (65534 if os.geteuid() == 0 else os.geteuid())
    assert {one.name for one in tmp_path.iterdir()} == {"there.keys", "gateway.keys"}


@pytest.mark.peer
@pytest.mark.parametrize("script", ["exec sleep 60", "echo hush; exec sleep 60", "sleep 60 & echo hush >&2; wait"])
def test_a_command_that_hangs_is_ended_with_all_that_it_has_started(tmp_path, monkeypatch, script):
    monkeypatch.setattr(key_sources, "COMMAND_SECONDS", 1)
    command = CommandSource(["sh", "-c", f"echo $$ > {tmp_path}/group; {script}"], tmp_path)
    with pytest.raises(ConfigError, match="has not ended within 1 s") as said:
        command.ring()
    assert "hush" not in str(said.value)
    group = int((tmp_path / "group").read_text())
    wait_for(lambda: not alive(group))


def alive(group):
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.peer
def test_a_command_may_print_the_text_in_base64_in_one_line(tmp_path):
    ring = new_ring()
    (tmp_path / "sealed").write_text(b64encode(text_of(ring).encode()).decode() + "\n")
    assert CommandSource(["cat", "sealed"], tmp_path).ring() == ring


# --------------------------------------------------------------------------------------------------- over a rotation


class Source:
    """Keys that somebody else may rotate; how often they were read."""

    def __init__(self, ring):
        self.now, self.reads = ring, 0

    def read(self):
        self.reads += 1
        return self.now


def test_what_another_has_sealed_under_a_new_key_opens_and_is_asked_about_once():
    source = Source(new_ring())
    keys = SiteKeys(source.now, source.read)
    source.now = source.now.rotated()
    sealed = SiteKeys(source.now).seal(b"hush", "x")
    assert keys.open(sealed, "x") == b"hush"
    assert keys.current == "b"
    for made_up in (b"q" + sealed[1:], b"q" + sealed[1:], b"", b"?" + sealed[1:]):
        with pytest.raises(WrongKey):
            keys.open(made_up, "x")
    assert source.reads == 2


def test_a_slow_place_is_not_asked_because_of_a_letter_that_anybody_can_write():
    source = Source(new_ring())
    keys = SiteKeys(source.now, source.read, by_hand=True)
    source.now = source.now.rotated()
    sealed = SiteKeys(source.now).seal(b"hush", "x")
    with pytest.raises(WrongKey):
        keys.open(sealed, "x")
    assert source.reads == 0
    keys.look_again()
    assert keys.open(sealed, "x") == b"hush"


def test_keys_of_another_site_are_not_taken_over():
    source = Source(new_ring())
    keys = SiteKeys(source.now, source.read)
    sealed = keys.seal(b"hush", "x")
    source.now = new_ring().rotated()
    with pytest.raises(ConfigError, match="other keys"):
        keys.look_again()
    assert (keys.current, keys.open(sealed, "x")) == ("a", b"hush")


def test_digests_stay_and_tokens_are_good_until_their_key_is_retired():
    ring = new_ring()
    before, after = SiteKeys(ring), SiteKeys(ring.rotated())
    retired = SiteKeys(ring.rotated().without("a"))
    assert before.digest("x", b"y") == after.digest("x", b"y") == retired.digest("x", b"y")
    token = before.token(Purpose.INVITE, 7)
    assert after.token(Purpose.INVITE, 7) != token
    assert after.holds(token, Purpose.INVITE, 7)
    assert not retired.holds(token, Purpose.INVITE, 7)
    assert retired.row_of(token, Purpose.INVITE) is None
    with pytest.raises(WrongKey):
        retired.open(before.seal(b"hush", "x"), "x")
