"""Secure mail that its sender has encrypted for the reader's own key is not locked twice."""

from dataclasses import replace

import pytest

from gateway.domain.decide import Action, Reason
from gateway.domain.intent import Encrypted
from gateway.domain.model import Copy, Delivery, Invitation
from gateway.errors import EncryptedAlready
from tests.practice import World, mail

KIND = "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"
ARMOUR = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----\r\n"


def encrypted(subject: str = "[secure patient 1980-02-03] Results") -> bytes:
    head, _, _ = mail(subject=subject).partition(b"\r\n\r\n")
    fields = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-")]
    return b"\r\n".join([*fields, b"Content-Type: " + KIND.encode(), b"", b"MIIBfAYJKoZIhvcNAQcDoIIBbTCC", b""])


@pytest.fixture
def world():
    return World()


def with_setting(setting: Encrypted) -> World:
    world = World()
    return World(site=replace(world.site, marks=replace(world.site.marks, encrypted=setting)))


@pytest.mark.parametrize("is_registered", [False, True])
async def test_it_passes_without_the_tag_and_nobody_is_invited(world, is_registered):
    if is_registered:
        await world.registered()
    before = len(await world.rows(Copy))
    [verdict] = await world.receive(encrypted())
    assert (verdict.action, verdict.reason) == (Action.PASS, Reason.ENCRYPTED)
    assert len(await world.rows(Copy)) == before
    assert [one.state.value for one in await world.rows(Invitation) if one.state.value == "invited"] == []
    [passed] = [one for one in await world.deliver() if one.get_content_type() == "application/pkcs7-mime"]
    assert passed["Subject"] == "Results"
    assert "1980" not in passed.as_string()


async def test_so_does_what_is_encrypted_within_its_text(world):
    raw = mail(body=ARMOUR)
    [verdict] = await world.receive(raw)
    assert (verdict.action, verdict.reason) == (Action.PASS, Reason.ENCRYPTED)
    [delivery] = await world.rows(Delivery)
    assert delivery.recipient == "pat@home.example"


async def test_by_setting_it_is_refused_and_nothing_is_kept():
    world = with_setting(Encrypted.REFUSE)
    before = await world.everything()
    with pytest.raises(EncryptedAlready):
        await world.receive(encrypted())
    assert await world.everything() == before


async def test_without_a_mark_it_passes_as_it_came():
    world = with_setting(Encrypted.REFUSE)
    raw = encrypted("Results")
    [verdict] = await world.receive(raw)
    assert (verdict.action, verdict.reason) == (Action.PASS, Reason.NOT_SECURE)


async def test_words_in_clear_beside_it_are_sealed(world):
    [verdict] = await world.receive(mail(body=f"Your test is positive, see below.\r\n\r\n{ARMOUR}"))
    assert verdict.action is Action.HOLD
