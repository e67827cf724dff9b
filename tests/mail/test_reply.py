from pathlib import Path

import pytest
from hypothesis import given, settings

from gateway.mail.bounds import TYPED_LINE, TYPED_LINES
from gateway.mail.reply import typed_lines
from tests.mail.samples import crlf, hostile

REPLIES = sorted((Path(__file__).parent / "replies").glob("*.eml"))


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: path.stem)
def test_a_clients_reply(path: Path) -> None:
    expected = path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()

    assert list(typed_lines(crlf(path.read_text(encoding="utf-8")))) == expected


def test_there_are_replies() -> None:
    assert len(REPLIES) >= 7


def plain(text: str) -> tuple[str, ...]:
    return typed_lines(crlf(f"Content-Type: text/plain; charset=utf-8\n\n{text}"))


def html(text: str) -> tuple[str, ...]:
    return typed_lines(crlf(f"Content-Type: text/html; charset=utf-8\n\n{text}"))


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
    lines = plain("x" * 2000 + "\n" + "REMIND\n" * 200)

    assert len(lines) == TYPED_LINES
    assert lines[0] == "x" * TYPED_LINE


def test_html_is_read_where_the_plain_form_says_nothing() -> None:
    raw = crlf(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n"
        "--b\nContent-Type: text/html\n\n<p>REMIND</p>\n--b--\n"
    )

    assert typed_lines(raw) == ("REMIND",)


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
    for line in typed_lines(raw) + typed_lines(b"Content-Type: text/html\r\n\r\n" + raw):
        assert line == line.strip() != ""
        assert "\n" not in line


@pytest.mark.parametrize("element", ["<div>", "<blockquote>", "<table><tr><td>", "<ul><li>", "<b><p>"])
def test_deep_html_is_bounded(element: str) -> None:
    lines = html(element * 100_000 + "CANCEL")

    assert len(lines) <= TYPED_LINES
    assert "CANCEL" not in lines
