"""A thousand ordinary mails of a clinic, and none of them is taken for one that was almost marked secure."""

import pytest

from gateway.domain.intent import Intent
from gateway.domain.site import Marks
from gateway.mail.encoding import field
from gateway.mail.parse import head
from gateway.mail.secure_mark import read_marks

ABOUT = (
    *(
        "the rota for week 48",
        "your invoice 2026-1123",
        "minutes of Monday's meeting",
        "the flu clinic (draft)",
        "Room 3",
    ),
    *("a secure parking space", "how to secure your phone", "the new secure login page", "security training (online)"),
    *(
        "Secure waste collection – Thursday",
        "insurance & secured loans",
        "is your password secure?",
        "encryption at rest",
    ),
    *("Dienstplan KW 48", "Ihre Rechnung 1123", "Termin am Montag, ganz sicher", "Sicherheit im Labor (Pflichtkurs)"),
    *("Brandschutz: sichere Fluchtwege", "sicherer Umgang mit Spritzen", "Datenschutz – verschlüsselte Datenträger"),
    *("la póliza de seguro 44-1", "seguro médico 2027 (renovación)", "cómo cifrar un disco", "Reunión del lunes"),
    *("le rendez-vous sécurisé du parking", "sécurité incendie (exercice)", "Compte rendu de lundi", "la facture 1123"),
    *(
        "Blutspende: 3 Plätze frei",
        "Lunch?",
        "fwd: photos from the party",
        "Parking permits (2026/27)",
        "CT scanner down",
    ),
)
FORMS = (
    *(
        "{}",
        "Re: {}",
        "AW: {}",
        "Fwd: {}",
        "WG: {}",
        "RE: FW: {}",
        "Reminder: {}",
        "[external] {}",
        "[EXT] {}",
        "(fwd) {}",
    ),
    *(
        "[JIRA] (OPS-128) {}",
        "[Ticket#20261123] {}",
        "[#4711] {} (closed)",
        "[Staff] {}",
        "{} [minutes]",
        "{} (urgent)",
    ),
    *(
        "*new* {}",
        "{} – please read!",
        "“{}”",
        "Accepted: {}",
        "Canceled: {}",
        "Re[2]: {}",
        "Fw: {}",
        "Antwort: {}",
        "RV: {}",
        "TR: {}",
        "{} …",
        "Invitation: {} @ Mon 10:00",
        "{} *",
    ),
)
OTHER_FIELDS = (
    "",
    "List-Id: <secure-mail.lists.example>\r\nPrecedence: list\r\n",
    "List-Unsubscribe: <https://news.example/u>\r\n",
    "References: <a@riverside.example>\r\nIn-Reply-To: <a@riverside.example>\r\n",
    "X-MSMail-Priority: High\r\nThread-Topic: Rota\r\nSensitivity: Personal\r\n",
)
LISTS = [
    f"[{name}] {subject}"
    for name in ("secure-mail", "secure", "Secure Messaging", "encrypt", "seguro", "sicher-mail", "security-announce")
    for subject in ("Re: patch 3", "Digest, Vol 12", "[secured] build", "new version (secure)", "#secure boot")
]
"""Lists have names of their own, and say so in their heads."""


def test_there_are_a_thousand():
    assert len(FORMS) * len(ABOUT) >= 1_000


@pytest.mark.parametrize("form", FORMS)
def test_nobody_is_asked_about_ordinary_mail(form):
    for number, about in enumerate(ABOUT):
        more = OTHER_FIELDS[number % len(OTHER_FIELDS)]
        raw = field("Subject", form.format(about)) + more.encode() + b"From: ada@riverside.example\r\n\r\nHello\r\n"
        found = read_marks(head(raw), Marks())
        assert found.sign.intent is Intent.CLEAR, (form.format(about), found)


@pytest.mark.parametrize("subject", [one for one in LISTS if not one.startswith(("[secure]", "[seguro]"))])
def test_nobody_is_asked_about_mail_of_a_list(subject):
    found = read_marks(head(b"List-Id: <x.lists.example>\r\n" + field("Subject", subject) + b"\r\n"), Marks())
    assert not found.asks, found
