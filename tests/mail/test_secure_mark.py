import pytest
from hypothesis import given, settings

from gateway.domain.site import Marks
from gateway.mail.headers import with_subject
from gateway.mail.parse import head
from gateway.mail.secure_mark import Marked, read_marks
from tests.mail.samples import hostile

MARKS = Marks(headers=(("X-Secure", "yes"), ("Sensitivity", "Company-Confidential")))


def marked(fields: str, marks: Marks = MARKS) -> Marked:
    return read_marks(head(fields.encode() + b"\r\n\r\n"), marks)


@pytest.mark.parametrize(
    ("subject", "details", "bare"),
    [
        ("[secure] Your results", "", "Your results"),
        ("Your [SeCuRe] results", "", "Your results"),
        ("[secure patient 1980-02-03] Your results", "patient 1980-02-03", "Your results"),
        ("Re: [ Secure: Patient 3 Feb 1980 ] Your results", "Patient 3 Feb 1980", "Re: Your results"),
        ("[secure]", "", ""),
        ("[secure][secure clinician] Rota", "clinician", "Rota"),
        ("=?utf-8?q?=5Bsecure_patient_1980-02-03=5D_R=C3=A9sultats?=", "patient 1980-02-03", "Résultats"),
        ("=?utf-8?b?W3NlYw==?= =?utf-8?b?dXJlXSBIaQ==?=", "", "Hi"),
        ("[secure patient\r\n 1980-02-03] Hi", "patient 1980-02-03", "Hi"),
    ],
)
def test_a_tag(subject: str, details: str, bare: str) -> None:
    assert marked(f"Subject: {subject}") == Marked(True, details, bare, True)


@pytest.mark.parametrize("subject", ["Your results", "[secured] area", "secure", "(secure) x", "[insecure]", ""])
def test_no_tag(subject: str) -> None:
    assert marked(f"Subject: {subject}") == Marked(False, "", subject, False)


@pytest.mark.parametrize("field", ["X-Secure: yes", "x-secure:  YES ", "Sensitivity: company-confidential; v=1"])
def test_a_header(field: str) -> None:
    assert marked(f"Subject: Hi\r\n{field}") == Marked(True, "", "Hi", False)


@pytest.mark.parametrize("field", ["X-Secure: no", "X-Secure: yes please", "Sensitivity: Personal"])
def test_another_header(field: str) -> None:
    assert not marked(field).secure


def test_one_of_several_headers_is_enough() -> None:
    assert marked("X-Secure: no\r\nX-Secure: yes").secure


@pytest.mark.parametrize(
    ("tag", "subject", "details", "bare"),
    [
        ("#encrypt", "Results #ENCRYPT now", "", "Results now"),
        ("[safe mail]", "[Safe  mail staff] Rota", "staff", "Rota"),
        ("(?i", "Odd (?I tag", "", "Odd tag"),
    ],
)
def test_a_tag_of_the_sites_own(tag: str, subject: str, details: str, bare: str) -> None:
    assert marked(f"Subject: {subject}", Marks(subject_tag=tag)) == Marked(True, details, bare, True)


def test_without_a_tag_no_subject_is_marked() -> None:
    assert not marked("Subject: [secure] x", Marks(subject_tag="")).secure


def test_always() -> None:
    assert marked("Subject: Hi", Marks(always=True)) == Marked(True, "", "Hi", False)


@settings(max_examples=150)
@given(hostile)
def test_nothing_raises_and_a_tag_taken_out_is_gone(raw: bytes) -> None:
    found = read_marks(head(raw), MARKS)
    if found.tagged:
        again = read_marks(head(with_subject(raw, found.subject)), MARKS)
        assert again.subject == found.subject
