import base64
from pathlib import Path

import pytest
from hypothesis import given, settings

from gateway.mail.bounds import TYPED_LINE, TYPED_LINES
from gateway.mail.reply import Unread, typed
from tests.mail.samples import crlf, hostile
from tests.mail.test_signed import in_pieces

REPLIES = sorted((Path(__file__).parent / "replies").glob("*.eml"))


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: path.stem)
def test_a_clients_reply(path: Path) -> None:
    expected = path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()

    assert list(typed(crlf(path.read_text(encoding="utf-8"))).lines) == expected


def test_there_are_replies() -> None:
    assert len(REPLIES) >= 7


def plain(text: str) -> tuple[str, ...]:
    return typed(crlf(f"Content-Type: text/plain; charset=utf-8\n\n{text}")).lines


def html(text: str) -> tuple[str, ...]:
    return typed(crlf(f"Content-Type: text/html; charset=utf-8\n\n{text}")).lines


@pytest.mark.parametrize(
    "history",
    [
        "> CANCEL",
        "On Tue, 3 Mar 2026, Riverside wrote:\nCANCEL",
        "On Tue, 3 Mar 2026 at 09:02, Riverside Secure Mail\n<bot@secure.riverside.example>\nwrote:\nCANCEL",
        "Le mar. 3 mars 2026 à 09:02, Riverside a écrit :\nCANCEL",
        "El mar, 3 mar 2026 a las 9:02, Riverside escribió:\nCANCEL",
        "-----Original Message-----\nCANCEL",
        "________________________________\nCANCEL",
        "*From:* Riverside\n*Sent:* Tuesday\nCANCEL",
        "Von: Riverside\nGesendet: Dienstag\nCANCEL",
        "-- \nDr Ada\nCANCEL",
        "Get Outlook for iOS<https://aka.example/o>\nCANCEL",
    ],
)
def test_what_was_answered_is_left_out(history: str) -> None:
    assert plain(f"REMIND\n\n{history}\n") == ("REMIND",)


@pytest.mark.parametrize("line", ["On Tuesday I wrote", "From: here on, all is well", "Once upon a time: yes"])
def test_prose_does_not_end_the_typed_text(line: str) -> None:
    assert plain(f"{line}\nREMIND") == (line, "REMIND")


def test_odd_spaces_become_spaces_and_invisible_characters_go() -> None:
    assert plain("\ufeffPATIENT\u00a0\u30001980\u200b-02-03\u2003") == ("PATIENT 1980-02-03",)


def test_length_is_bounded() -> None:
    lines = plain("x" * 2000 + "\n" + "REMIND\n" * 700)

    assert len(lines) == TYPED_LINES
    assert lines[0] == "x" * TYPED_LINE


def test_html_is_read_where_the_plain_form_says_nothing() -> None:
    raw = crlf(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n"
        "--b\nContent-Type: text/html\n\n<p>REMIND</p>\n--b--\n"
    )

    assert typed(raw).lines == ("REMIND",)


@pytest.mark.parametrize(
    "quoted",
    [
        "<blockquote>CANCEL</blockquote>",
        '<div class="gmail_quote gmail_quote_container">CANCEL</div>',
        '<div class="yahoo_quoted">CANCEL</div>',
        '<div class="moz-cite-prefix">On Tuesday:</div><blockquote type="cite">CANCEL</blockquote>',
        '<div id="appendonsend"></div><div>CANCEL</div>',
        '<div id="divRplyFwdMsg">From</div><p>x</p><div>CANCEL</div>',
        "<script>CANCEL</script><style>CANCEL</style>",
        "<div><p><b>From:</b> Riverside</p><p><b>Sent:</b> Tuesday</p><p>CANCEL</p></div>",
    ],
)
def test_quoted_html_is_left_out(quoted: str) -> None:
    assert html(f"<html><head><title>CANCEL</title></head><body><div>REMIND</div>{quoted}</body></html>") == ("REMIND",)


def test_what_is_typed_below_a_quote_is_left_out() -> None:
    assert html("<div class='gmail_quote'>CANCEL</div><div>REMIND</div>") == ()


def test_a_message_that_is_only_a_quote_says_nothing() -> None:
    assert plain("> CANCEL\nREMIND") == ()


@settings(max_examples=150)
@given(hostile)
def test_nothing_raises(raw: bytes) -> None:
    for line in typed(raw).lines + typed(b"Content-Type: text/html\r\n\r\n" + raw).lines:
        assert line == line.strip() != ""
        assert "\n" not in line


@pytest.mark.parametrize("element", ["<div>", "<blockquote>", "<table><tr><td>", "<ul><li>", "<b><p>"])
def test_deep_html_is_bounded(element: str) -> None:
    lines = html(element * 100_000 + "CANCEL")

    assert len(lines) <= TYPED_LINES
    assert "CANCEL" not in lines


# --------------------------------------------------------------------------------- a command is taken for nothing else

ATTRIBUTION = "On Tue, 3 Mar 2026 at 09:02, Riverside Secure Mail <bot@secure.riverside.example> wrote:\n> CANCEL"


@pytest.mark.parametrize(
    "line",
    [
        "7kim@home.example REMIND",
        "2026kim@home.example STATUS",
        "RECALL: written to the wrong Kim, sent from my tablet",
        "kim@home.example RECALL: get me Outlook",
        "INVITE kim@external.example COLLEAGUE",
        "external@outside.example CANCEL",
        "MOVE kim@external.example",
        "[REMIND]",
        "*** CANCEL ***",
    ],
)
def test_no_command_is_taken_for_something_else(line: str) -> None:
    assert plain(f"{line}\n\n{ATTRIBUTION}\n") == (line,)
    assert plain(f"Good morning,\n{line}\n{ATTRIBUTION}\n") == (line,)
    assert html(f"<p>{line}</p><blockquote>CANCEL</blockquote>") == (line,)


def test_a_command_right_below_a_banner_is_none_of_it() -> None:
    banner = "CAUTION: this email came from outside. Do not click on links unless you know the sender"
    assert plain(f"{banner}\nCANCEL\n\n{ATTRIBUTION}") == ("CANCEL",)


@pytest.mark.parametrize("mark", [">", "> >", "|", "＞"])
def test_what_is_marked_as_quoted_is_no_command(mark: str) -> None:
    assert plain(f"{mark} CANCEL\n") == ()
    assert plain(f"Thanks!\n{mark} CANCEL\n") == ("Thanks!",)


@pytest.mark.parametrize("born", ["11 April 1952", "11.4.1952", "born 11th April 1952", "1952-04-11"])
@pytest.mark.parametrize(
    "quote",
    [
        ATTRIBUTION,
        "Am Di., 3. März 2026 um 09:02 schrieb Riverside <bot@secure.riverside.example>:\n> CANCEL",
        "-----Original Message-----\nCANCEL",
        "From: Riverside\nSent: Tuesday\nCANCEL",
    ],
)
def test_a_birthdate_right_above_a_quote_is_typed(born: str, quote: str) -> None:
    assert plain(f"PATIENT\n{born}\n\n{quote}\n") == ("PATIENT", born)
    assert plain(f"PATIENT\n{born}\n{quote}\n") == ("PATIENT", born)


@pytest.mark.parametrize(
    "quote",
    [
        "3 March 2026\nRiverside Secure Mail <bot@secure.riverside.example> wrote:",
        "Am 3. März 2026\nschrieb Riverside Secure Mail <bot@secure.riverside.example>:",
        "Le 3 mars 2026\nRiverside Secure Mail a écrit :",
        "2026-03-03\nRiverside Secure Mail <bot@secure.riverside.example>:",
    ],
)
def test_the_day_of_what_was_answered_is_no_birthdate(quote: str) -> None:
    assert plain(f"PATIENT\n\n{quote}\n> CANCEL\n") == ("PATIENT",)


# ------------------------------------------------------------------------------------------------------ struck out


def both(text: str, shown: str) -> bytes:
    return crlf(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n"
        f"{text}\n--b\nContent-Type: text/html; charset=utf-8\n\n{shown}\n--b--\n"
    )


STRUCK = [
    "<s>CANCEL</s>",
    "<strike><b>CANCEL</b></strike>",
    "<del><div>CANCEL</div></del>",
    '<span style="text-decoration: line-through">CANCEL</span>',
    '<font style="color:red; text-decoration:underline LINE-THROUGH">CAN<i>CEL</i></font>',
    '<span style="text-decoration-line:line-through">CANCEL</span>',
    '<span class="Out">CANCEL</span>',
]
SHEET = "<html><head><style>p, .Out { color: red; text-decoration: line-through }</style></head><body>"


@pytest.mark.parametrize("struck", STRUCK)
def test_what_is_struck_out_is_not_said(struck: str) -> None:
    shown = f"{SHEET}<div>{struck}</div><div>REMIND</div></body></html>"
    assert html(shown) == ("REMIND",)
    assert typed(both("CANCEL\nREMIND", shown)).lines == ("REMIND",)
    assert html(f"{SHEET}<div>{struck} REMIND</div></body></html>") == ("REMIND",)
    assert typed(both("CANCEL", f"{SHEET}<div>{struck}</div></body></html>")).lines == ()


@pytest.mark.parametrize("line", ["~~CANCEL~~", "~CANCEL~", "~~CANCEL~~ "])
def test_what_is_struck_out_in_plain_text_is_not_said(line: str) -> None:
    assert plain(f"{line}\nREMIND") == ("REMIND",)


def test_what_merely_stands_beside_it_is_said() -> None:
    shown = f"{SHEET}<div><s>PATIENT 1952-04-11</s></div><div>PATIENT 1952-11-04</div><p>Bea</p></body></html>"
    assert html(shown)[0] == "PATIENT 1952-11-04"


# --------------------------------------------------------------------------------------------------------- signed


def test_the_text_of_a_signed_mail_is_read() -> None:
    begin, signature = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEB\n=ab12"
    text = f"{begin}\nHash: SHA256\n\nREMIND\n{signature}\n-----END PGP SIGNATURE-----\n"
    assert plain(text) == ("REMIND",)
    assert html(f"<pre>{text}</pre>") == ("REMIND",)
    assert plain(f"{begin}\nHash: SHA256\n\nREMIND\n\n{ATTRIBUTION}\n{signature}") == ("REMIND",)
    assert plain(f"Thanks!\n\n{ATTRIBUTION}\n{text}") == ("Thanks!",)


@pytest.mark.parametrize("kind", ["pgp-signature", "pkcs7-signature", "x-pkcs7-signature"])
def test_the_text_beside_a_signature_is_read(kind: str) -> None:
    head = f'Content-Type: multipart/signed; protocol="application/{kind}"; boundary=b\n\n'
    assert typed(crlf(f"{head}--b\n\nREMIND\n--b\nContent-Type: application/{kind}\n\nxyz\n--b--\n")).lines == (
        "REMIND",
    )


@pytest.mark.parametrize("kind", ["pkcs7-mime; smime-type=signed-data", "x-pkcs7-mime", "octet-stream; name=smime.p7m"])
@pytest.mark.parametrize("footed", [False, True])
def test_the_text_within_a_signature_is_read(kind: str, footed: bool) -> None:
    encoded = base64.encodebytes(in_pieces(b"Content-Type: text/plain\r\n\r\nREMIND\r\n", 11)).decode()
    raw = f"Content-Type: application/{kind}\nContent-Transfer-Encoding: base64\n\n{encoded}"
    if footed:
        raw = f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{raw}\n--b\n\nOur list\n--b--\n"
    assert typed(crlf(raw)).lines == ("REMIND",)


@pytest.mark.parametrize("kind", ["text", "TEXT", "text/", "text; charset=utf-8"])
def test_a_type_that_is_not_whole_is_plain_text(kind: str) -> None:
    assert typed(crlf(f"Content-Type: {kind}\n\nREMIND\n")).lines == ("REMIND",)


# ---------------------------------------------------------------------------------------------- where nothing was typed


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("Subject: x\n\nREMIND", Unread.NO),
        ("Subject: x\n\n", Unread.EMPTY),
        ("Subject: x\n\n \n\n", Unread.EMPTY),
        (f"Subject: x\n\n{ATTRIBUTION}\n\nREMIND", Unread.BELOW),
        (f"Subject: x\n\n{ATTRIBUTION}", Unread.BELOW),
        ("Content-Type: text/html\n\n<blockquote>CANCEL</blockquote><p>REMIND</p>", Unread.BELOW),
        (both("REMIND", "<p>CANCEL</p>").decode(), Unread.DIFFERS),
        (both("CANCEL", "<p>CANCEL my 3 pm</p>").decode(), Unread.DIFFERS),
        ("Subject: x\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----", Unread.SEALED),
        ("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB", Unread.SEALED),
        (
            "Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\n"
            "Version: 1\n--b\nContent-Type: application/octet-stream\n\nx\n--b--",
            Unread.SEALED,
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n--b\nContent-Type: application/pkcs7-mime; "
            "smime-type=enveloped-data\n\nMIIB\n--b--",
            Unread.SEALED,
        ),
    ],
)
def test_why_nothing_was_read(raw: str, why: Unread) -> None:
    found = typed(crlf(raw))
    assert found.unread is why
    assert bool(found.lines) is (why is Unread.NO)
