import re
from importlib import resources

import pytest

from gateway.mail import bounce_words
from gateway.mail.bounce_words import Told, folded, lasts, table, tells

LASTING = [
    "unknown local part in pat@home.example",
    "550 <pat@home.example>: Recipient address rejected: User unknown in relay table",
    "that mailbox does not exist",
    "nobody by that name here",
    "the domain home.exmaple does not exist",
    "Unrouteable address",
    "this account has been closed",
    "she no longer works here",
    "550 5.1.10 RecipientNotFound; recipient not found",
    "Dieser Benutzer existiert nicht",
    "L’adresse indiquée n’existe pas",
    "El destinatario es desconocido",
    "L'utente è inesistente",
    "De ontvanger is onbekend",
    "такой пользователь не найден",
    "收件人不存在",
]
FULL = [
    "552 Mailbox full",
    "The folder Inbox of pat@home.example is FULL",
    "disk quota\r\n exceeded",
    "would exceed the storage allowed: mailbox quota reached",
    "no space left on device",
    "insufficient system storage",
    "out of storage space",
    "her account has exceeded its storage limit",
    "too many messages stored in the mailbox",
    "no room in the mailbox",
    "Das Postfach ist voll",
    "Das Kontingent ist ausgeschöpft",
    "La boîte est pleine",
    "Buzón lleno: la cuota está excedida",
    "La casella è piena",
    "A caixa postal está cheia",
    "De mailbox is vol",
    "Почтовый ящик переполнен",
    "メールボックスがいっぱいです",
]
GIVEN_UP = [
    "we tried for two days and gave up",
    "giving up after 9 attempts",
    "could not be delivered for 5 days",
    "message expired after 48 hours in the queue",
    "this mail has been in our queue too long",
    "retry limit reached",
    "delivery attempts exhausted",
    "despite several attempts",
    "the server has stopped trying",
    "within the time limit specified",
    "nach 4 Tagen nicht zugestellt",
    "après de nombreuses tentatives",
    "después de 3 días",
    "dopo diversi tentativi",
    "na 5 dagen",
]
NO_ANSWER = [
    "Connection timed out",
    "connect to mx.home.example[192.0.2.7]:25: Connection refused",
    "lost connection while greeting us",
    "no route to host",
    "the server is not responding",
    "Host not found, try again",
    "421 too many connections",
    "450 greylisted",
    "temporarily deferred",
    "Please try your mail again later",
    "Der Server ist vorübergehend nicht erreichbar",
]
NOTHING_KNOWN = [
    "554 5.7.1 relay access denied",
    "message size exceeds the limit",
    "550 this looks like spam",
    "I've given up. Sorry it didn't work out.",
    "Giving up on 192.0.2.7.",
    "the certificate has expired",
    "a fullness of time",
    "his mailbox. And a full moon",
    "",
]


@pytest.mark.parametrize("text", LASTING)
def test_nobody_is_there(text):
    assert lasts(folded(text)) is True


@pytest.mark.parametrize("text", [*FULL, *GIVEN_UP, *NO_ANSWER])
def test_it_may_pass(text):
    assert lasts(folded(text)) is False


@pytest.mark.parametrize("text", NOTHING_KNOWN)
def test_it_tells_no_reason_of_ours(text):
    assert lasts(folded(text)) is None


@pytest.mark.parametrize("text", [*FULL, *GIVEN_UP])
def test_that_nobody_is_there_counts_for_more(text):
    assert lasts(folded(f"user unknown. {text}")) is True


def test_what_is_folded():
    assert folded("  Größe\r\n\tÜBER’s\u200b Ziel \r\n\r\nＦｕｌｌ") == "grosse uber's ziel . full"


def test_the_lists_tell_what_they_are_named_for():
    assert tells(Told.AUTHOR, folded("MAILER-DAEMON@x".replace("-", " ")))
    assert tells(Told.TITLE, folded("Undeliverable: Hello"))
    assert tells(Told.OPENING, folded("This is the mail system at host x."))
    assert tells(Told.STILL_TRIED, folded("We will keep trying"))
    assert tells(Told.OVER, folded("no longer"))
    assert not any(tells(what, folded("Thank you for your letter.")) for what in Told)


def test_each_line_says_where_it_was_seen_and_fits_something():
    for name, lines in table().items():
        assert all(line.seen.strip() for line in lines), name
        assert len({line.words for line in lines}) == len(lines), name


def test_no_line_repeats_anything_without_a_bound():
    for _, pattern in (one for lines in bounce_words._patterns().values() for one in lines):
        assert not re.search(r"(?<!\\)[+*](?!\+)", pattern.pattern.replace("}+", "}"))


@pytest.mark.parametrize(
    "wrong",
    [
        'reasons = [{ words = "x", seen = "x" }]',
        'reasons = [{ words = "x", seen = "x", meaning = "perhaps" }]',
        'reasons = [{ words = "x", meaning = "permanent" }]',
        'titles = [{ words = "x", seen = "x", meaning = "permanent" }]',
        "others = []",
    ],
)
def test_a_table_that_is_written_otherwise_is_refused(wrong, monkeypatch, tmp_path):
    lists = {name: f"{name} = []" for name in [*Told, "reasons"]}
    lists[wrong.partition(" ")[0]] = wrong
    (tmp_path / "bounce_words.toml").write_text("\n".join(lists.values()))
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)

    with pytest.raises(ValueError, match=r"bounce_words\.toml"):
        table.__wrapped__()
