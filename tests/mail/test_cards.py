"""People's cards of all three versions, as telephones and mail programs write them, and as nobody should."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.bounds import CARD_LENGTH, CARD_VALUES, CARDS
from gateway.mail.cards import Birthday, Reach, cards
from tests.mail import files


def one(version, *lines):
    text = "\r\n".join(("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""))
    [card] = cards(text.encode())
    return card


def test_a_card_says_who_somebody_is_and_how_they_are_reached():
    [card] = cards(files.CARD)
    assert (card.name, card.title) == ("Dr Ada Okafor", "Haematologist")
    assert card.organisation == "Riverside Family Practice, Blood clinic"
    assert card.phones == [
        Reach("+44 20 7946 0123", ("work",)),
        Reach("+44 7700 900123", ("cell",)),
        Reach("+44 20 7946 0124", ("work", "fax")),
    ]
    assert card.mails == [Reach("ada@riverside.example")]
    assert card.addresses == [Reach("1 River Road\nLondon\nSE1 0AA\nUnited Kingdom", ("work",))]
    assert card.birthday == Birthday(date(1971, 4, 5), has_year=True)


@pytest.mark.parametrize(
    ("version", "lines", "name"),
    [
        ("3.0", ["N:Núñez;José;María;Dr.;MD"], "Dr. José María Núñez MD"),
        ("3.0", ["N:Núñez;José", "FN:José Núñez"], "José Núñez"),
        ("4.0", ["item1.fn;LANGUAGE=es:José", "item1.X-ABLabel:_$!<Other>!$_"], "José"),
        ("2.1", ["FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jos=C3=A9 =", "N=C3=BA=C3=B1ez"], "José Núñez"),
        ("2.1", ["FN;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Jos=E9"], "José"),
        ("3.0", ["FN:Ada", " Okafor"], "AdaOkafor"),
        ("3.0", ["FN:Ada", "  Okafor"], "Ada Okafor"),
        ("2.1", ["FN:Ada", " Okafor"], "Ada Okafor"),
        ("3.0", [r"FN:Okafor\, Ada\; \\ MD"], r"Okafor, Ada; \ MD"),
        ("4.0", ['FN;X="a:b;c":Ada'], "Ada"),
        ("4.0", ['FN;X="a:Ada'], "Ada"),
        ("4.0", ["FN:\u202eAda\x07"], "Ada"),
    ],
)
def test_names(version, lines, name):
    assert one(version, *lines).name == name


@pytest.mark.parametrize(
    ("line", "reach"),
    [
        ("TEL;HOME;VOICE:1", Reach("1", ("home",))),
        ("TEL;type=CELL;type=VOICE;type=pref:1", Reach("1", ("cell",))),
        ('TEL;VALUE=uri;TYPE="voice,work":tel:+44-1;ext=5', Reach("+44-1; ext=5", ("work",))),
        ("TEL;WORK;ENCODING=QUOTED-PRINTABLE:=31", Reach("1", ("work",))),
        ("TEL:<b>1</b>", Reach("<b>1</b>")),
    ],
)
def test_telephones(line, reach):
    assert one("3.0", line).phones == [reach]


@pytest.mark.parametrize(
    ("line", "birthday"),
    [
        ("BDAY:19710405", Birthday(date(1971, 4, 5), has_year=True)),
        ("BDAY;VALUE=date:1971-04-05T00:00:00Z", Birthday(date(1971, 4, 5), has_year=True)),
        ("BDAY:--0229", Birthday(date(2000, 2, 29))),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29", Birthday(date(2000, 2, 29))),
        ("BDAY;VALUE=text:circa 1800", Birthday(words="circa 1800")),
        ("BDAY:1971-02-30", Birthday(words="1971-02-30")),
        ("BDAY:", None),
    ],
)
def test_birthdays(line, birthday):
    assert one("4.0", "FN:x", line).birthday == birthday


def test_several_cards_and_one_within_another():
    raw = b"BEGIN:VCARD\nFN:Ada\nAGENT:\nBEGIN:VCARD\nFN:Bea\nEND:VCARD\nTEL:1\nEND:VCARD\nBEGIN:VCARD\nFN:Cleo\n"
    assert [(card.name, len(card.phones)) for card in cards(raw)] == [("Ada", 1), ("Bea", 0), ("Cleo", 0)]


def test_no_more_is_read_than_is_shown():
    telephones = "".join(f"TEL:{number}{'x' * 2 * CARD_LENGTH}\n" for number in range(2 * CARD_VALUES))
    found = cards(f"BEGIN:VCARD\n{telephones}END:VCARD\n".encode() * 2 * CARDS)
    assert len(found) == CARDS
    assert {len(card.phones) for card in found} == {CARD_VALUES}
    assert {len(one.value) for card in found for one in card.phones} == {CARD_LENGTH}


PIECES = (b"BEGIN:VCARD", b"END:VCARD", b"\n", b"\n ", b"TEL", b";", b":", b'"', b"=", b"\\", b"N", b"QUOTED-PRINTABLE")


@given(st.lists(st.sampled_from([*PIECES, b"VERSION:2.1", b"\xff", b"BDAY:--", b"0231"])))
def test_whatever_comes_is_read(pieces):
    cards(b"".join(pieces))
    cards(b"BEGIN:VCARD\n" + b"".join(pieces))
