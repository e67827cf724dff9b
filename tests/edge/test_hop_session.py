"""Sessions with a hop: pipelined, used again, and what each recipient is told whatever the hop does."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from gateway.edge.outbox import hop_wire
from gateway.edge.outbox import mailer as smtp_mailer
from gateway.edge.outbox.hop_session import Hop
from gateway.edge.outbox.mailer import SmtpMailer
from gateway.ports import Mail
from tests.edge.hop import scripted, until

OCTETS = b"Subject: x\r\n\r\nhello\r\n.\r\n.dots\r\n"
PLAIN = "250-hop\r\n250 8BITMIME"
PAT, JOE = "pat@home.example", "joe@home.example"


@asynccontextmanager
async def mailer_to(hop):
    mailer = SmtpMailer({"": Hop("127.0.0.1", hop.port, "none")}, "secure.riverside.example")
    yield mailer
    mailer.close()
    await asyncio.sleep(0.01)


def mail(*to, octets=OCTETS, sender="ada@riverside.example"):
    return Mail(sender, to or (PAT,), len(octets), lambda: iter((octets,)))


def codes(outcomes):
    return [outcome.code for outcome in outcomes]


# ----------------------------------------------------------------------------------------------------- pipelining


async def test_the_envelope_goes_in_one_write_where_the_hop_offers_it():
    async with scripted() as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail(PAT, JOE))) == [250, 250]
        envelope = (
            f"MAIL FROM:<ada@riverside.example> SIZE={len(OCTETS)}\r\nRCPT TO:<{PAT}>\r\nRCPT TO:<{JOE}>\r\nDATA\r\n"
        )
        assert envelope.encode() in hop.reads
        assert hop.mails == [OCTETS.replace(b"\r\n.", b"\r\n..")]


async def test_without_the_offer_each_command_waits_for_its_reply():
    async with scripted(EHLO=PLAIN) as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail(PAT, JOE))) == [250, 250]
        assert hop.reads[1:5] == [
            b"MAIL FROM:<ada@riverside.example>\r\n",
            b"RCPT TO:<pat@home.example>\r\n",
            b"RCPT TO:<joe@home.example>\r\n",
            b"DATA\r\n",
        ]


async def test_a_hop_that_knows_no_ehlo_is_greeted_the_old_way():
    async with scripted(EHLO="502 what?") as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail())) == [250]
        assert hop.commands[1].startswith("HELO ")
        assert hop.commands[2] == "MAIL FROM:<ada@riverside.example>"


async def test_what_is_not_ascii_is_said_to_be_eight_bit():
    async with scripted() as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail(octets="é\r\n".encode()))
        assert hop.commands[1].endswith(" SIZE=4 BODY=8BITMIME")


# --------------------------------------------------------------------------------------------------- who is told what


@pytest.mark.parametrize("offer", [None, PLAIN])
async def test_each_recipient_hears_their_own_reply(offer):
    says = {"EHLO": offer} if offer else {}
    rcpt = ["250 ok", "550-5.1.1 no\r\n550 5.1.1 such user", "451 4.7.1 later"]
    async with scripted(**says, RCPT=rcpt) as hop, mailer_to(hop) as mailer:
        outcomes = await mailer.send("", mail(PAT, JOE, "eve@home.example"))
        assert codes(outcomes) == [250, 550, 451]
        assert outcomes[1].text == "5.1.1 no\n5.1.1 such user"
        assert len(hop.mails) == 1


@pytest.mark.parametrize("offer", [None, PLAIN])
@pytest.mark.parametrize("data", ["354 go on", "554 5.5.1 no valid recipients"])
async def test_nothing_of_the_mail_is_sent_when_all_are_refused(offer, data):
    says = {"EHLO": offer} if offer else {}
    async with scripted(**says, RCPT=["550 no"] * 2, DATA=data) as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail(PAT, JOE))) == [550, 550]
        assert not any(hop.mails)
        hop.says["DATA"] = "354 go on"
        assert codes(await mailer.send("", mail())) == [250]
        finished = offer is None and data.startswith("354")  # by the dot alone
        assert (hop.sessions, "RSET" in hop.commands) == (1, not finished)


@pytest.mark.parametrize("offer", [None, PLAIN])
async def test_a_refused_sender_is_the_outcome_for_all(offer):
    says = {"EHLO": offer} if offer else {}
    async with (
        scripted(**says, MAIL="552 5.3.4 too large", RCPT="503 no", DATA="503 no") as hop,
        mailer_to(hop) as mailer,
    ):
        assert codes(await mailer.send("", mail(PAT, JOE))) == [552, 552]


@pytest.mark.parametrize("reply", ["452 4.3.1 full", "554 5.7.1 virus"])
async def test_the_reply_to_the_dot_counts_for_all_who_were_accepted(reply):
    async with scripted(RCPT=["250 ok", "550 no"], **{".": reply}) as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail(PAT, JOE))) == [int(reply[:3]), 550]


async def test_only_a_reply_to_the_dot_says_that_a_mail_is_taken():
    async with scripted(DATA="250 ok") as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail())) == [0]


@pytest.mark.parametrize("sent", ["250-endless\r\n" * 6000, "hello there", "2500 ok", "999 no"])
async def test_what_is_no_reply_ends_the_session(sent):
    async with scripted(MAIL=sent) as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail())) == [0]


async def test_addresses_that_are_not_ascii_need_the_hop_to_take_them():
    async with scripted() as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail("jürgen@home.example"))) == [250]
        assert hop.commands[1].endswith(" SMTPUTF8")
    async with scripted(EHLO=PLAIN) as hop, mailer_to(hop) as mailer:
        outcomes = await mailer.send("", mail(PAT, "jürgen@home.example"))
        assert codes(outcomes) == [250, 553]
        assert outcomes[1].text.startswith("5.6.7 ")
        assert codes(await mailer.send("", mail(sender="jürgen@riverside.example"))) == [553]


@pytest.mark.parametrize("address", ["a\r\nDATA", "a> SIZE=1", "a b@home.example", "\udcff@home.example"])
async def test_an_address_cannot_become_a_command(address):
    async with scripted() as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", mail(address, PAT))) == [553, 250]
        assert codes(await mailer.send("", mail(sender=address))) == [553]
        assert codes(await mailer.send("", mail('"a > b"@home.example'))) == [250]


# ------------------------------------------------------------------------------------------------- used again, or not


async def test_a_session_is_used_again_up_to_its_limit(monkeypatch):
    monkeypatch.setattr(smtp_mailer, "MOST_MAILS", 3)
    async with scripted() as hop, mailer_to(hop) as mailer:
        for _ in range(7):
            assert codes(await mailer.send("", mail())) == [250]
        assert (hop.sessions, len(hop.mails)) == (3, 7)
        assert hop.commands.count("QUIT") == 2


async def test_an_idle_session_is_left_in_time(monkeypatch):
    monkeypatch.setattr(smtp_mailer, "IDLE", 0.02)
    async with scripted() as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        await until(lambda: "QUIT" in hop.commands)
        assert codes(await mailer.send("", mail())) == [250]
        assert hop.sessions == 2


@pytest.mark.parametrize("goodbye", [b"", b"421 4.4.2 idle too long\r\n"])
async def test_a_session_that_was_closed_while_idle_is_replaced(goodbye):
    async with scripted() as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        hop.writers[0].write(goodbye)
        hop.hang_up()
        await asyncio.sleep(0.05)
        assert codes(await mailer.send("", mail())) == [250]
        assert (hop.sessions, len(hop.mails)) == (2, 2)


@pytest.mark.parametrize("reply", [None, "421 4.7.0 too many mails"])
async def test_a_session_that_ends_at_the_next_mail_is_replaced_once(reply):
    async with scripted(MAIL=["250 ok", reply, "250 ok"]) as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        assert codes(await mailer.send("", mail())) == [250]
        assert (hop.sessions, len(hop.mails)) == (2, 2)
    async with scripted(MAIL=["250 ok", reply, reply]) as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        assert codes(await mailer.send("", mail())) == [421 if reply else 0]
        assert hop.sessions == 2


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ({".": None}, 0),
        ({".": "421 4.3.2 going down"}, 421),
        ({"DATA": None}, 0),
        ({"DATA": "421 4.3.2 going down"}, 421),
        ({"RCPT": "421 4.3.2 going down"}, 421),
    ],
)
async def test_what_may_have_been_taken_is_not_sent_anew_in_the_same_breath(says, code):
    async with scripted() as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        hop.says = {**says, **hop.says, **says}
        assert codes(await mailer.send("", mail())) == [code]
        assert hop.sessions == 1
        hop.says = {"DATA": "354 go on", "EHLO": "250 hop", "greeting": "220 hop"}
        assert codes(await mailer.send("", mail())) == [250]
        assert hop.sessions == 2


@pytest.mark.parametrize("says", [{"greeting": "554 no"}, {"greeting": "421 busy"}, {"greeting": None}])
async def test_a_hop_that_takes_no_session_refuses_no_mail(says):
    async with scripted(**says) as hop, mailer_to(hop) as mailer:
        [one, other] = await mailer.send("", mail(PAT, JOE))
        assert (one.code, one.reached, other) == (0, False, one)


async def test_a_hop_that_falls_silent_is_left(monkeypatch):
    monkeypatch.setattr(hop_wire, "TIMEOUT", 0.05)
    async with scripted() as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        hop.slow.clear()
        [outcome] = await mailer.send("", mail())
        assert (outcome.code, outcome.reached) == (0, True)


# -------------------------------------------------------------------------------------------------------- large mail


def large(chunks, fault=None):
    chunk = b"x" * 254 + b"\r\n" + b"." * 254 + b"\r\n"

    def read():
        for _ in range(chunks):
            yield chunk * 512
        if fault:
            raise fault

    return Mail("ada@riverside.example", (PAT,), chunks * 512 * len(chunk), read)


async def test_large_mail_arrives_whole():
    async with scripted() as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", large(8))) == [250]
        expected = b"".join(large(8).chunks()).replace(b"\r\n.", b"\r\n..")
        assert hop.mails == [expected]
        assert hop.commands[1].endswith(f"SIZE={8 * 512 * 512} BODY=8BITMIME")


@pytest.mark.parametrize(("size", "is_here"), [(1_000, True), (100_000, False), (300_000, False)])
async def test_only_what_lies_in_its_row_is_read_in_the_event_loop(size, is_here):
    readers = []

    def read():
        readers.append(threading.get_ident())
        yield b"x" * size

    async with scripted() as hop, mailer_to(hop) as mailer:
        assert codes(await mailer.send("", Mail("ada@riverside.example", (PAT,), size, read))) == [250]
    assert (threading.get_ident() in readers) == is_here


async def test_mail_that_cannot_be_read_to_its_end_is_not_taken():
    async with scripted() as hop, mailer_to(hop) as mailer:
        with pytest.raises(ValueError, match="altered"):
            await mailer.send("", large(4, ValueError("altered")))
        assert codes(await mailer.send("", mail())) == [250]
        assert len(hop.mails) == 1


async def test_no_more_is_read_than_a_slow_hop_takes():
    """Of 50 MB only what fits between us and a hop that reads nothing leaves the store, so that memory stays flat."""
    pulled = 0

    def read():
        nonlocal pulled
        for _ in range(400):
            pulled += 1
            yield (b"x" * 126 + b"\r\n") * 1024

    async with scripted() as hop, mailer_to(hop) as mailer:
        await mailer.send("", mail())
        sending = asyncio.create_task(mailer.send("", Mail("", (PAT,), 400 * 128 * 1024, read)))
        await until(lambda: hop.commands.count("DATA") == 2)
        hop.slow.clear()
        before = -1
        while before < pulled < 400:
            before = pulled
            await asyncio.sleep(0.5)
        assert 0 < pulled < 200
        hop.slow.set()
        assert codes(await sending) == [250]
        assert pulled == 400
