"""Out to the gateway, back, and out to the world: the rules of `config/microsoft365.md`, run by a model of Exchange."""

import re
from dataclasses import replace

import pytest

from gateway.domain.intent import Sign
from gateway.domain.model import Copy
from gateway.domain.site import Stamp
from gateway.domain.vocabulary import Notice
from gateway.errors import CameBack, NotASender, NotShown
from gateway.flow.inbound import stamps
from tests.flow.exchange import GATEWAY_IP, Mail, Tenant, rules
from tests.peers import recipes
from tests.practice import BOT, SITE, World, mail

ADA = "ada@riverside.example"
SET = recipes.settings(recipes.files(recipes.section("microsoft365.md", "1. The gateway"))["gateway.toml"])
SENT, PASSED = (Stamp(*SET[f"SMTP__{name}_HEADER"].split(": ")) for name in ("TENANT", "PROCESSED"))
FAR = tuple(f"p{number}@home.example" for number in range(5))


class Path:
    """Exchange Online and the gateway, by the recipe; `seen` counts what the gateway was handed."""

    def __init__(self, without: str = "") -> None:
        own = [rule for rule in rules("microsoft365.md") if not (without and without in rule["Name"])]
        self.tenant = Tenant(own)
        self.world = World(site=replace(SITE, stamp=PASSED, tenant=SENT))
        self.seen: list[Mail] = []
        self.errors: list[Exception] = []

    async def write(self, octets: bytes, *to: str, by: str = ADA) -> None:
        """Somebody inside sends a mail, and all goes its way."""
        self.tenant.take(Mail(octets, by, to, inside=True))
        for _ in range(20):
            for one in self._leaving():
                await self._hand_over(one)
            await self._take_back()
            if not self.tenant.to_gateway:
                return
        raise AssertionError("it goes round")

    def _leaving(self) -> list[Mail]:
        leaving, self.tenant.to_gateway = self.tenant.to_gateway, []
        return leaving

    async def _hand_over(self, one: Mail) -> None:
        self.seen.append(one)
        try:
            await self.world.receive(one.octets, *one.recipients, mail_from=one.mail_from, must_show=True)
        except CameBack as error:
            self.errors.append(error)

    async def _take_back(self) -> None:
        before = len(self.world.sent)
        await self.world.deliver()
        for delivery, _, octets in self.world.sent[before:]:
            sender = self.world.writer.envelope_sender(delivery)
            self.tenant.take(Mail(octets, sender, (delivery.recipient,), inside=True, ip=GATEWAY_IP))


def plain(octets: bytes) -> bytes:
    """Without what servers add."""
    return re.sub(rb"(?m)^(?:Received|X-MS-Office365-[\w-]+): .*\r\n(?:[ \t].*\r\n)*", b"", octets)


async def test_ordinary_mail_goes_out_and_back_and_out_once():
    path, octets = Path(), mail("p0@home.example", "Lunch")
    await path.write(octets, *FAR[:1])
    [reached] = path.tenant.to_world
    assert len(path.seen) == 1
    assert plain(reached.octets) == octets
    assert SENT.word.encode() not in reached.octets
    assert PASSED.word.encode() not in reached.octets


async def test_secure_mail_stays_and_its_receipt_comes_home():
    path = Path()
    await path.write(mail("p0@home.example"), *FAR[:1])
    assert path.tenant.to_world == []
    [receipt] = path.tenant.delivered
    assert receipt.recipients == (ADA,)
    assert b"X-Gateway-Notice: receipt" in receipt.octets
    assert not receipt.fields(PASSED.name)


async def test_a_command_reaches_the_gateway_and_its_answer_its_sender():
    path = Path()
    await path.write(mail(BOT, "x", "LIST"), BOT)
    assert [one.recipients for one in path.seen] == [(BOT,)]
    assert [one.recipients for one in path.tenant.delivered] == [(ADA,)]


@pytest.mark.parametrize("forged", [f"{PASSED.word}; round=1; mac={'0' * 32}", PASSED.word, "made up"])
async def test_a_forged_header_skips_nothing(forged):
    path = Path()
    await path.write(mail("p0@home.example", **{PASSED.name.replace("-", "_"): forged}), *FAR[:1])
    assert path.tenant.to_world == []
    assert len(await path.world.rows(Copy)) == 1


async def test_without_the_first_rule_a_forged_header_would_skip_the_gateway():
    """So that the model shows what the rule is for."""
    path = Path(without="Secure mail 1")
    await path.write(mail("p0@home.example", X_Riverside_Passed=PASSED.word), *FAR[:1])
    assert len(path.tenant.to_world) == 1


async def test_a_genuine_header_of_another_mail_skips_nothing():
    path, world = Path(), Path().world
    stolen = stamps.field(world.site, world.keys, "<other@riverside.example>", sign=Sign.TAG).partition(": ")[2].strip()
    await path.world.receive(mail(X_Riverside_Passed=stolen))
    assert len(await path.world.rows(Copy)) == 1


async def test_a_genuine_header_on_a_mail_without_an_id_skips_nothing():
    path = Path()
    stolen = stamps.field(path.world.site, path.world.keys, "", sign=Sign.TAG).partition(": ")[2].strip()
    octets = re.sub(rb"Message-ID: .*\r\n", b"", mail(X_Riverside_Passed=stolen))
    await path.world.receive(octets)
    assert len(await path.world.rows(Copy)) == 1


async def test_a_stranger_with_a_genuine_header_skips_nothing():
    path, octets = Path(), mail(message_id="<known@riverside.example>")
    stamp = stamps.field(path.world.site, path.world.keys, "<known@riverside.example>", sign=Sign.TAG).encode()
    await path.world.receive(stamp + octets, trusted=False)
    assert len(await path.world.rows(Copy)) == 1


async def test_what_has_been_here_passes_once_though_it_was_asked_about():
    """Nearly marked, as when its sender said that it is ordinary mail: that was decided about before."""
    path, known, nearly = Path(), "<known@riverside.example>", "(secure) Lunch"
    stamp = stamps.field(path.world.site, path.world.keys, known, sign=Sign.NEAR_TAG).encode()
    await path.world.receive(stamp + mail(subject=nearly, message_id=known))
    assert await path.world.rows(Copy) == []
    await path.world.deliver()
    [(_, _, octets)] = path.world.sent
    assert octets.count(PASSED.name.encode()) == 1
    assert b"; round=2; mac=" in octets


@pytest.mark.parametrize("before", [Sign.NONE, Sign.NEAR_TAG])
async def test_what_was_marked_since_it_was_here_is_secure(before):
    path, known = Path(), "<known@riverside.example>"
    stamp = stamps.field(path.world.site, path.world.keys, known, sign=before).encode()
    await path.world.receive(stamp + mail(message_id=known))
    assert len(await path.world.rows(Copy)) == 1


async def test_a_server_that_sends_mail_back_for_ever_is_told():
    path = Path()
    for rule in path.tenant.rules:
        rule.pop("ExceptIfHeaderContainsWords", None)
    await path.write(mail("p0@home.example", "Lunch"), *FAR[:1])
    assert len(path.seen) == 3
    assert [type(error) for error in path.errors] == [CameBack]


async def test_a_mail_that_was_split_is_one():
    """Five strangers in three parts, each with fields of its own: one receipt, one copy each."""
    path = Path()
    await path.write(mail(", ".join(FAR)), *FAR)
    assert len(path.seen) == 3
    assert len({one.fields("X-MS-Office365-Filtering-Correlation-Id")[0] for one in path.seen}) == 3
    path.world.later()
    await path.world.tick()
    await path._take_back()
    receipts = [one for one in path.tenant.delivered if one.fields("X-Gateway-Notice") == [Notice.RECEIPT.value]]
    assert len(receipts) == 1
    assert all(to in receipts[0].octets.decode() for to in FAR)
    assert sorted(copy.address for copy in await path.world.rows(Copy)) == sorted(FAR)


async def test_a_part_that_comes_twice_is_held_once():
    """Exchange repeats it where our 250 was lost: on its next try it writes other fields of its own."""
    path, octets = Path(), mail("p0@home.example", message_id="<again@riverside.example>")
    for number in range(2):
        own = f"X-MS-Office365-Filtering-Correlation-Id: {number}\r\n{SENT.name}: {SENT.word}\r\n".encode()
        await path.world.receive(own + octets, must_show=True)
    assert len(await path.world.rows(Copy)) == 1


async def test_other_customers_of_the_same_server_may_not_relay():
    world = Path().world
    for octets in (mail(subject="Lunch"), mail(X_Riverside_Sent="guess"), mail(X_Riverside_Passed=SENT.word)):
        with pytest.raises(NotShown):
            await world.receive(octets, must_show=True)
    assert await world.rows(Copy) == []


async def test_other_customers_of_the_same_server_are_strangers_to_the_bot():
    """They may write to the gateway's own domain, as anybody may: nothing comes of it."""
    world = Path().world
    await world.receive(mail(BOT, "x", "LIST"), must_show=True)
    assert await world.deliver() == []
    await world.receive(mail(BOT, "x", "LIST", X_Riverside_Sent=SENT.word), must_show=True)
    assert len(await world.deliver()) == 1


async def test_the_words_are_in_nothing_that_is_kept():
    world = Path().world
    await world.receive(mail(X_Riverside_Sent=SENT.word, X_Riverside_Passed="old"), must_show=True)
    [copy] = await world.rows(Copy)
    kept = await world.kept(copy)
    assert b"X-Riverside" not in kept
    assert b"All is well." in kept


def test_gmails_rule_knows_what_has_been_here_and_nothing_else():
    """The expression of `config/google-workspace.md`, on a head as Gmail sees it."""
    section = recipes.section("google-workspace.md", "3. Who takes this route")
    [expression] = re.findall(r"```regexp\n\s*(.*)\n", section)
    world = Path().world
    head = "Received: x\r\n{}From: ada@riverside.example\r\n".format
    genuine = stamps.field(world.site, world.keys, "<a@riverside.example>")
    assert re.search(expression, head(genuine))
    for forged in (
        "",
        f"{PASSED.name}: {PASSED.word}\r\n",
        genuine.replace(PASSED.word, "guess"),
        f"X-Quoted: {genuine}",
    ):
        assert not re.search(expression, head(forged))


async def test_who_writes_for_no_practice_is_refused_as_before():
    world = Path().world
    with pytest.raises(NotASender):
        await world.receive(mail(sender="x@nowhere.example", X_Riverside_Sent=SENT.word), must_show=True)
