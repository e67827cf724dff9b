import pytest
from hypothesis import given, settings

from gateway.domain.intent import Intent, Sign
from gateway.domain.site import Marks
from gateway.mail import headers
from gateway.mail.parse import head
from gateway.mail.secure_mark import Marked, blemishes, read_marks
from tests.mail.samples import hostile

LABEL = "0f8d3a62-1c4b-4e7a-9b5d-7c2e6f1a8b90"
MARKS = Marks(headers=(("X-Secure", "yes"), ("Sensitivity", "Company-Confidential")))


def marked(fields: str, marks: Marks = MARKS, mail_from: str = "ada@riverside.example", **client: bool) -> Marked:
    return read_marks(head(fields.encode() + b"\r\n\r\n"), marks, mail_from, **client)


def tag(subject: str) -> tuple[Sign, str, str]:
    found = marked(f"Subject: {subject}")
    return found.sign, found.details, found.subject


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
        ("[secure,patient,1980-02-03] Hi", "patient,1980-02-03", "Hi"),
        ("[secure/staff] Rota", "staff", "Rota"),
        ("[Secure e-mail] Results", "e-mail", "Results"),
        ("[secure-patient 1980-02-03] Hi", "patient 1980-02-03", "Hi"),
        ("Hi [secure", "", "Hi"),
        ("[secure Your results", "", "Your results"),
        ("[secure patient 1980-02-03 Your results", "patient 1980-02-03 Your results", ""),
        ("Smear result [secure!]", "", "Smear result"),
        ("[*secure*] Hi", "", "Hi"),
        ("［ｓｅｃｕｒｅ］ Hi", "", "Hi"),
        ("【secure】 Hi", "", "Hi"),
        ("[se\u00adcu\u200bre] Hi \u200d Ana", "", "Hi \u200d Ana"),
        ("[\ufeffsécure] Hi", "", "Hi"),
        ("[SICHER] Befund", "", "Befund"),
        ("[sécurisé patient 1980-02-03] Résultat", "patient 1980-02-03", "Résultat"),
        ("[securise] Résultat", "", "Résultat"),
        ("[seguro] Ergebnis für Strauß", "", "Ergebnis für Strauß"),
    ],
)
def test_a_tag(subject: str, details: str, bare: str) -> None:
    assert tag(subject) == (Sign.TAG, details, bare)


@pytest.mark.parametrize(
    ("subject", "details", "bare"),
    [
        ("[secured] Results", "", "Results"),
        ("[scure] Results", "", "Results"),
        ("[secuer] Results", "", "Results"),
        ("[seecure] Results", "", "Results"),
        ("[sevure] Results", "", "Results"),
        ("Results (Secure)", "", "Results"),
        ("(secure patient 1980-02-03) Results", "patient 1980-02-03", "Results"),
        ("{secure} Results", "", "Results"),
        ("<secure> Results", "", "Results"),
        ("[secure) Results", "", "Results"),
        ("secure] Results", "", "Results"),
        ("[secure-mail] Results", "", "Results"),
        ("[secure_message] Results", "", "Results"),
        ("[encrypt] Results", "", "Results"),
        ("[Encrypted] Results", "", "Results"),
        ("[secrue patient 1980-02-03] Results", "patient 1980-02-03", "Results"),
        ("#secure Results", "", "Results"),
        ("*secure* Results", "", "Results"),
        ("Re: secure: Results", "", "Re: Results"),
        ("SECURE!", "", ""),
        ("[ѕecure] Results", "", "Results"),
        ("[Sichere Nachricht] Befund", "", "Befund"),
        ("[secure-1980-02-03] Results", "", "Results"),
        ("(sicher) Befund", "", "Befund"),
        ("[verschlüsselt] Befund", "", "Befund"),
        ("[sécurisée] Résultat", "", "Résultat"),
        ("[cifrado] Resultado", "", "Resultado"),
    ],
)
def test_what_almost_is_a_tag(subject: str, details: str, bare: str) -> None:
    assert tag(subject) == (Sign.NEAR_TAG, details, bare)


@pytest.mark.parametrize(
    "subject",
    [
        *("Your results", "[insecure]", "", "Secure your account today", "[external] Minutes", "[EXT] Re: x"),
        *(
            "[security] Update 3",
            "[Security-Announce] CVE",
            "[secure-coding] talk",
            "Parking (secure area behind the gate)",
        ),
        *("Is it secure? (yes)", "A more secure login", "[JIRA] (SEC-12) Secure cookies", "[Ticket#1980] Drucker"),
        *("Der Termin ist sicher", "Póliza de seguro 12", "Rendez-vous sécurisé le 3", "secured loans from 3 %"),
        *("[obscure] bug", "(recurse) fix", "Re: [minutes] 3 (draft)", "#securityfirst", "pure: cotton", "*urgent* x"),
    ],
)
def test_no_tag(subject: str) -> None:
    assert tag(subject) == (Sign.NONE, "", subject)


def test_what_nearly_is_a_tag_is_told_as_it_was_written() -> None:
    assert marked("Subject: Your (Secure ) results").near == "(Secure )"


def test_a_list_has_names_of_its_own_in_brackets() -> None:
    assert marked("List-Id: <x.lists.example>\r\nSubject: [secure-mail] Re: x").sign is Sign.NONE
    assert marked("List-Id: <x.lists.example>\r\nSubject: [secure] Re: x").sign is Sign.TAG


def test_every_subject_is_looked_at() -> None:
    found = marked("Subject: Results\r\nSubject: [secure staff] Results")

    assert (found.sign, found.details, found.subject) == (Sign.TAG, "staff", "Results")


@pytest.mark.parametrize("before", ["\ufeff", "From ada@riverside.example Mon Nov 23 09:00:00 2026\r\n", "\r\n"])
def test_what_stands_before_the_head_by_mistake(before: str) -> None:
    assert marked(before + "Subject: [secure] Hi").sign is Sign.TAG


def test_a_body_is_no_head() -> None:
    assert head(b"\r\n\r\nDear Pat,\r\nSubject: [secure] x\r\n").subject == ""


@pytest.mark.parametrize(
    ("field", "sign"),
    [
        ("X-Secure: yes", Sign.FIELD),
        ("x-secure:  YES ", Sign.FIELD),
        ("X-Secure: true", Sign.FIELD),
        ("X-Secure: 1", Sign.FIELD),
        ("Sensitivity: company-confidential; v=1", Sign.LABEL),
        ("Sensitivity: Vertraulich", Sign.LABEL),
        ("Sensitivity: Confidencial", Sign.LABEL),
        ("X-Secure: no\r\nX-Secure: yes", Sign.FIELD),
    ],
)
def test_a_header(field: str, sign: Sign) -> None:
    assert marked(f"Subject: Hi\r\n{field}") == Marked(sign, "", "Hi")


@pytest.mark.parametrize(
    "field", ["X-Secure: no", "X-Secure: yes please", "Sensitivity: Personal", "Sensitivity: Privat", "X-Secure: 0"]
)
def test_another_header(field: str) -> None:
    assert marked(field).sign is Sign.NONE


def test_private_mail_is_secure_where_it_is_set_so() -> None:
    private = Marks(headers=(("Sensitivity", "Private"),))

    assert marked("Sensitivity: Privado", private).sign is Sign.LABEL
    assert marked("Sensitivity: Confidencial", private).sign is Sign.NONE


@pytest.mark.parametrize("wanted", [LABEL, LABEL.upper(), "Restricted", f"MSIP_Label_{LABEL}_Name=Restricted"])
def test_a_label_of_the_practices_own(wanted: str) -> None:
    marks = Marks(headers=(("msip_labels", wanted),))
    parts = [
        f"MSIP_Label_{LABEL}_{one}" for one in ("SetDate=2026-11-23T09:00:00Z", "Name=Restricted", "Method=Privileged")
    ]
    other = [one.replace(LABEL, LABEL[::-1]).replace("Restricted", "Public") for one in parts]

    assert marked(f"msip_labels: {'; '.join([*other, *parts])}", marks).sign is Sign.LABEL
    assert marked(f"msip_labels: {';'.join(parts)}", marks).sign is Sign.LABEL
    assert marked(f"msip_labels: {';'.join(other)}", marks).sign is Sign.NONE
    assert marked(f"msip_labels: MSIP_Label_{LABEL}_Enabled=false;{';'.join(parts)}", marks).sign is Sign.NONE


def test_details_in_a_field_of_their_own() -> None:
    fields = "X-Secure-Details: patient 1980-02-03\r\nSubject: Letter"

    assert marked(fields) == Marked(Sign.DETAILS, "patient 1980-02-03", "Letter")
    assert marked(fields, trusted=False) == Marked(Sign.NONE, "", "Letter")
    assert marked(f"{fields} [secure staff]").details == "staff"


@pytest.mark.parametrize(
    ("own", "subject", "details", "bare"),
    [
        ("#encrypt", "Results #ENCRYPT now", "", "Results now"),
        ("[safe mail]", "[Safe  mail staff] Rota", "staff", "Rota"),
        ("(?i", "Odd (?I tag", "", "Odd tag"),
    ],
)
def test_a_tag_of_the_sites_own(own: str, subject: str, details: str, bare: str) -> None:
    assert marked(f"Subject: {subject}", Marks(tags=(own,))) == Marked(Sign.TAG, details, bare, tagged=True)


def test_what_others_write_is_almost_the_sites_own() -> None:
    assert marked("Subject: [secure] x", Marks(tags=("[safe mail]",))).sign is Sign.NEAR_TAG
    assert marked("Subject: [safemail] x", Marks(tags=("[safe mail]",))).sign is Sign.NEAR_TAG


def test_without_a_tag_no_subject_is_marked() -> None:
    assert marked("Subject: [secure] x", Marks(tags=())).sign is Sign.NONE


@pytest.mark.parametrize("mail_from", ["ada@riverside.example", "", "<>"])
def test_always(mail_from: str) -> None:
    assert marked("Subject: Hi", Marks(always=True), mail_from).sign is Sign.ALWAYS


@pytest.mark.parametrize(
    ("fields", "mail_from", "sign"),
    [
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x", "", Sign.REPORT),
        ("Content-Type: multipart/report; report-type=feedback-report", "abuse@x.example", Sign.REPORT),
        ("From: MAILER-DAEMON@riverside.example", "<>", Sign.REPORT),
        ('Content-Type: multipart/report; report-type="disposition-notification"', "ada@x.example", Sign.READ_RECEIPT),
        ("Auto-Submitted: auto-replied (vacation)", "ada@x.example", Sign.NOTE_OF_ABSENCE),
        ("X-Autoreply: yes", "ada@x.example", Sign.NOTE_OF_ABSENCE),
        ("Content-Type: text/calendar; charset=utf-8; method=REPLY", "ada@x.example", Sign.CALENDAR_ANSWER),
    ],
)
@pytest.mark.parametrize("always", [True, False])
def test_what_is_no_letter_is_not_marked_by_what_it_quotes(
    fields: str, mail_from: str, sign: Sign, always: bool
) -> None:
    found = marked(f"{fields}\r\nSubject: Re: [secure] x", Marks(always=always), mail_from)

    assert found.sign is sign
    assert sign.intent is Intent.CLEAR


@pytest.mark.parametrize(
    "fields",
    [
        "Subject: Automatic reply: [secure] x\r\nAuto-Submitted: auto-generated",
        "Subject: Abwesenheitsnotiz: [secure] x\r\nX-Auto-Response-Suppress: All",
        "Subject: Accepted: [secure] x\r\nContent-Class: urn:content-classes:calendarmessage",
    ],
)
def test_by_its_subject_beside_another_sign(fields: str) -> None:
    assert marked(fields).sign.intent is Intent.CLEAR


@pytest.mark.parametrize(
    "fields",
    [
        "Subject: Absence: [secure] a letter for your employer",
        "Subject: [secure] Letter (on sick leave)",
        "Subject: Accepted: [secure] your application",
        "Subject: [secure] results\r\nAuto-Submitted: auto-generated",
        "Subject: [secure] results\r\nAuto-Submitted: no",
        "Subject: [secure] results\r\nX-MS-Exchange-Inbox-Rules-Loop: ada@riverside.example",
        "Subject: [secure] results\r\nPrecedence: bulk",
        "Subject: [secure] Termin\r\nContent-Type: text/calendar; method=REQUEST",
    ],
)
@pytest.mark.parametrize("mail_from", ["ada@riverside.example", ""])
def test_a_letter_stays_one(fields: str, mail_from: str) -> None:
    assert marked(f"From: ada@riverside.example\r\n{fields}", mail_from=mail_from).sign is Sign.TAG


@pytest.mark.parametrize(
    ("mail_from", "archived", "sign"),
    [
        ("", True, Sign.JOURNAL),
        ("MicrosoftExchange329e71@riverside.example", True, Sign.JOURNAL),
        ("", False, Sign.TAG),
        ("ada@riverside.example", True, Sign.TAG),
    ],
)
def test_a_journal_report_passes_to_archives_alone(mail_from: str, archived: bool, sign: Sign) -> None:
    assert marked("X-MS-Journal-Report:\r\nSubject: [secure] x", mail_from=mail_from, archived=archived).sign is sign


def test_what_a_reader_must_not_get() -> None:
    fields = (
        "Resent-Bcc: a@x.example\r\nX-Bcc: b@x.example\r\nBcc: c@x.example\r\nFrom: ada@x.example\r\n"
        "Subject: [secure patient 1980-02-03] Results\r\nSubject: Results\r\n"
        "Thread-Topic: (secure patient 1980-02-03) Results\r\n"
        "X-Original-Subject: [secure patient 1980-02-03] Results\r\nX-Secure-Details: patient 1980-02-03\r\n"
        "Thread-Index: AdxyZAAB\r\nTo: pat@home.example\r\n\r\nbody"
    )
    read = head(fields.encode())

    left = headers.retold(fields.encode(), blemishes(read, MARKS, tagged=True))

    assert left == (
        b"From: ada@x.example\r\nSubject: Results\r\nSubject: Results\r\nThread-Topic: Results\r\n"
        b"X-Original-Subject: Results\r\nTo: pat@home.example\r\n\r\nbody"
    )


def test_ordinary_mail_has_nothing_to_hide() -> None:
    read = head(b"Subject: Results\r\nThread-Topic: Results\r\nThread-Index: AdxyZAAB\r\n\r\n")

    assert blemishes(read, MARKS, tagged=False) == ()


@settings(max_examples=150)
@given(hostile)
def test_nothing_raises_and_a_tag_taken_out_is_gone(raw: bytes) -> None:
    found = read_marks(head(raw), MARKS)
    left = headers.retold(raw, blemishes(head(raw), MARKS, tagged=found.tagged))
    if found.tagged:
        again = read_marks(head(left), MARKS)
        assert again.subject == found.subject
