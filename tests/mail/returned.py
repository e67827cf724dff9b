"""Mail that came back, notes of absence, and people's own mail, as different systems write them.

Each is a name, what is to be understood, and the mail: its fields, a blank line, its text.
"""

from tests.mail.samples import crlf

PERMANENT, TEMPORARY, DELAYED = "permanent", "temporary", "delayed"

REPORT = """\
From: {author}
Subject: {subject}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="r"

--r
Content-Type: text/plain; charset=utf-8

{text}
--r
Content-Type: message/delivery-status

Reporting-MTA: dns; {mta}

Final-Recipient: rfc822; pat@home.example
Action: {action}
Status: {status}
{more}
--r
Content-Type: message/rfc822

From: bot@secure.riverside.example
Subject: Dr Ada has a secure message for you

Delayed? Out of office? user unknown 4.2.2
--r--
"""


def report(name: str, severity: str, action: str, status: str, more: str = "", **said: str) -> tuple[str, str, bytes]:
    """A report after RFC 3464."""
    words = {"author": "MAILER-DAEMON@mx.example", "subject": "Undelivered Mail", "text": "Sorry.", "mta": "mx.example"}
    return name, severity, crlf(REPORT.format(**{**words, **said}, action=action, status=status, more=more))


def worded(name: str, severity: str, author: str, subject: str, text: str, fields: str = "") -> tuple[str, str, bytes]:
    """A bounce in words alone."""
    return name, severity, crlf(f"From: {author}\nSubject: {subject}\n{fields}\n{text}\n")


def odd(
    name: str, severity: str, status: str, text: str = "Sorry.", kind: str = "delivery-status", fields: str = ""
) -> tuple[str, str, bytes]:
    """A report that says too little, or not where it should."""
    said = (
        "From: Mail Delivery System <mailer-daemon@mx.example>\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        f"{fields}Content-Type: multipart/report; report-type={kind}; boundary=r\n\n"
        f"--r\nContent-Type: text/plain\n\n{text}\n--r\nContent-Type: message/{kind}\n\n{status}\n--r--\n"
    )
    return name, severity, crlf(said)


BOUNCES = [
    report(
        "postfix-unknown",
        PERMANENT,
        "failed",
        "5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 <pat@home.example>: User unknown",
    ),
    report("postfix-delay", DELAYED, "delayed", "4.4.1", "Will-Retry-Until: Sun, 8 Mar 2026 09:00:00 +0000"),
    report("postfix-expired", TEMPORARY, "failed", "4.4.1", "Diagnostic-Code: X-Postfix; connect to mx: timed out"),
    report(
        "sendmail-unknown", PERMANENT, "failed", "5.1.1", "Remote-MTA: DNS; mx\nDiagnostic-Code: SMTP; 550 no such user"
    ),
    report("sendmail-full", TEMPORARY, "failed", "4.2.2", "Diagnostic-Code: SMTP; 452 4.2.2 Over quota"),
    report(
        "exchange-unknown",
        PERMANENT,
        "failed",
        "5.1.10",
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound",
        author="Microsoft Outlook <MicrosoftExchange329e@home.example>",
        subject="Undeliverable: Dr Ada has a message",
    ),
    report("exchange-delay", DELAYED, "delayed", "4.4.7", subject="Delivery delayed: Dr Ada has a secure message"),
    report("exchange-german", PERMANENT, "failed", "5.7.1", subject="Unzustellbar: Dr Ada"),
    report(
        "gmail-unknown",
        PERMANENT,
        "failed",
        "5.1.1",
        author="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        subject="Delivery Status Notification (Failure)",
        text="** Address not found **",
    ),
    report("gmail-delay", DELAYED, "delayed", "4.4.2", subject="Delivery Status Notification (Delay)"),
    report("no-status", PERMANENT, "failed", "5.0.0", "Diagnostic-Code: smtp; 554 delivery error: no mailbox"),
    report("bare-status", TEMPORARY, "failed", "4.0.0", "Diagnostic-Code: smtp; 451 try again later"),
    report("status-0-says-5", PERMANENT, "failed", "5.0.0", "Diagnostic-Code: smtp; 550 5.1.1 unknown"),
    report("comment-action", PERMANENT, "failed (gave up)", "5.4.4"),
    report(
        "yahoo",
        PERMANENT,
        "failed",
        "5.0.0",
        "Diagnostic-Code: smtp; 554 delivery error: dd This user doesn't have an account",
    ),
    report("failure-is-no-action-word", PERMANENT, "failure", "553 too large"),
    report("error-is-none-either", PERMANENT, "error", "5.0.0"),
    report("bounced", PERMANENT, "bounced", "5.1.1"),
    report("rejected", PERMANENT, "Rejected (policy)", "5.7.1", "Diagnostic-Code: smtp; 550 5.7.1 not from you"),
    report("returned-without-a-status", PERMANENT, "returned", ""),
    report("a-word-that-nobody-knows", PERMANENT, "thrown-away", "5.1.1"),
    report("expired", TEMPORARY, "expired", "4.4.7"),
    report("expired-for-good", TEMPORARY, "expired", "5.0.0"),
    report("expired-in-the-queue", TEMPORARY, "failed", "5.4.7", "Diagnostic-Code: smtp; 550 5.4.7 lifetime is over"),
    report("expired-asking-for-nobody", PERMANENT, "expired", "4.4.7", "Diagnostic-Code: smtp; 450 no such mailbox"),
    report("still-queued", DELAYED, "queued", "4.2.2", "Diagnostic-Code: smtp; 452 4.2.2 mailbox full"),
    report("full-by-its-number", TEMPORARY, "failed", "5.2.2"),
    report("disk-full-by-its-number", TEMPORARY, "failed", "5.3.1", "Diagnostic-Code: smtp; 552 sorry"),
    report("full-in-the-comment", TEMPORARY, "failed", "5.0.0 (the disk quota of this person is used up)"),
    report("full-in-words-for-people", TEMPORARY, "failed", "5.0.0", text="Pat's folder is full, so it was not kept."),
    report(
        "full-though-unknown-by-number", TEMPORARY, "failed", "5.1.1", "Diagnostic-Code: smtp; 550 user is over quota"
    ),
    report(
        "no-type-before-the-answer", TEMPORARY, "failed", "5.0.0", "Diagnostic-Code: 552 no room left in the mailbox"
    ),
    report(
        "too-large-is-not-full", PERMANENT, "failed", "5.3.4", "Diagnostic-Code: smtp; 552 message exceeds size limit"
    ),
    report("4-beside-nobody", PERMANENT, "failed", "4.0.0", "Diagnostic-Code: smtp; 550 5.1.1 pat: user unknown"),
    report("4-beside-nobody-specific", PERMANENT, "failed", "4.4.1", "Diagnostic-Code: smtp; 550 5.1.1 no such user"),
    report("4-beside-a-refusal", PERMANENT, "failed", "4.7.1", "Diagnostic-Code: smtp; 550 we do not want this"),
    report(
        "4-within-5yz", TEMPORARY, "failed", "5.0.0", "Diagnostic-Code: smtp; 554 4.4.7 unable to hand it over in time"
    ),
    report("5-beside-4yz", TEMPORARY, "failed", "5.0.0", "Diagnostic-Code: smtp; 451 come back another day"),
    report("greylisted-for-good", TEMPORARY, "failed", "5.7.1", "Diagnostic-Code: smtp; 550 5.7.1 greylisted"),
    report(
        "nobody-answers-5.4.1", TEMPORARY, "failed", "5.4.1", "Diagnostic-Code: smtp; 550 5.4.1 no answer from host"
    ),
    report("denied-5.4.1", PERMANENT, "failed", "5.4.1", "Diagnostic-Code: smtp; 550 5.4.1 Recipient: Access denied"),
    odd("mixed-groups", TEMPORARY, "Action: failed\n\nFinal-Recipient: rfc822; pat@home.example\nStatus: 4.7.0"),
    odd("no-groups", PERMANENT, "Arrival-Date: Sat, 7 Mar 2026 09:00:00 +0000", "The mail was not delivered to Pat."),
    odd("no-groups-delay", DELAYED, "Reporting-MTA: dns; mx.example", "The mail is delayed, and still being tried."),
    odd(
        "refused-by-a-filter",
        PERMANENT,
        "Final-Recipient: rfc822; pat@home.example\nDisposition: automatic-action/MDN-sent-automatically; deleted",
        "Your message was rejected: this user is unknown.",
        kind="disposition-notification",
        fields="Auto-Submitted: auto-replied (rejected)\n",
    ),
    report("icloud-full", TEMPORARY, "failed", "5.2.2", "Diagnostic-Code: smtp; 552 5.2.2 mailbox is full"),
    worded("null-author", PERMANENT, "<>", "", "You wrote to pat@home.example. That's not a valid user here."),
    worded(
        "full-and-called-permanent",
        TEMPORARY,
        "MAILER-DAEMON@x",
        "failure notice",
        "This is a permanent error: quota exceeded.",
    ),
    worded(
        "a-version-is-no-status",
        PERMANENT,
        "postmaster@x",
        "Undeliverable: release 2.0.12",
        "Release 2.0.12\nNo such user.",
    ),
    worded(
        "qmail",
        PERMANENT,
        "MAILER-DAEMON@mx.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message "
        "to the following "
        "addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<pat@home.example>:\nSorry, no mailbox "
        "here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: "
        "<x>\n4.2.2 delayed",
    ),
    worded(
        "qmail-expired",
        TEMPORARY,
        "MAILER-DAEMON@mx.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.example.\n\n"
        "<pat@home.example>:\nCNAME lookup failed temporarily. (#4.4.3)\n"
        "I'm not going to try again; this message has been in the queue too long.",
    ),
    worded(
        "exim",
        PERMANENT,
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could "
        "not be delivered to "
        "one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  "
        "pat@home.example\n"
        "    host mx [1.2.3.4]\n    SMTP error from remote mail server after RCPT TO:"
        "<pat@home.example>:\n    550 Unknown user\n\n"
        "------ This is a copy of the message, including all the headers. ------\n",
        "X-Failed-Recipients: pat@home.example\n",
    ),
    worded(
        "exim-delay",
        DELAYED,
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Warning: message 1abc delayed 24 hours",
        "This message was created automatically by mail delivery software.\nA message that you sent has not "
        "yet been delivered to "
        "one or more of its\nrecipients after more than 24 hours on the queue.\n\nNo action is required on "
        "your part. Delivery "
        "attempts will continue for\nsome time.",
    ),
    worded(
        "exim-retry-out",
        TEMPORARY,
        "Mailer-Daemon@mx.example",
        "Mail delivery failed: returning message to sender",
        "The following address(es) failed:\n  pat@home.example\n    retry timeout exceeded",
    ),
    worded(
        "sendmail-old",
        PERMANENT,
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "Returned mail: User unknown",
        "   ----- The following addresses had permanent fatal errors -----\n"
        "<pat@home.example>\n\n   ----- Transcript of session "
        "follows -----\n550 pat... User unknown",
    ),
    worded(
        "sendmail-warning",
        DELAYED,
        "MAILER-DAEMON@mx.example",
        "Warning: could not send message for past 4 hours",
        "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      "
        "**\n    **  YOU DO "
        "NOT NEED TO RESEND YOUR MESSAGE  **\n\nWill keep trying until message is 5 days old",
    ),
    worded(
        "office365-words",
        PERMANENT,
        "postmaster@home.example",
        "Undeliverable: Dr Ada has a secure message",
        "Your message to pat@home.example couldn't be delivered.\n\npat wasn't found at home.example.",
    ),
    worded(
        "exchange-2003",
        PERMANENT,
        "System Administrator <postmaster@home.example>",
        "Undeliverable: Secure message",
        "Your message did not reach some or all of the intended recipients.\n\nThe e-mail account does not "
        "exist at the "
        "organization this message was sent to. <mx.example #5.1.1>",
    ),
    worded(
        "groupwise",
        PERMANENT,
        "Mail Delivery System <postmaster@home.example>",
        "Message status - undeliverable",
        "The message that you sent was undeliverable to the following:\n\tpat (user not found)\n",
    ),
    worded(
        "notes",
        PERMANENT,
        "Postmaster <postmaster@home.example>",
        "DELIVERY FAILURE: User pat not listed in Domino Directory",
        "Your message\n\n  Subject: Secure\n\nwas not delivered to:\n\n  pat@home.example\n\nbecause:\n\n  "
        "User pat "
        "(pat@home.example) not listed in Domino Directory",
    ),
    worded(
        "full",
        TEMPORARY,
        "MAILER-DAEMON@mx.example",
        "Delivery failure",
        "The recipient's mailbox is full: over quota. Your message was not delivered.",
    ),
    worded(
        "full-452",
        TEMPORARY,
        "MAILER-DAEMON@mx.example",
        "Undelivered Mail Returned to Sender",
        "<pat@home.example>: host mx said: 452 4.2.2 The email account that you tried to reach is over quota",
    ),
    worded(
        "german",
        PERMANENT,
        "Mailer-Daemon@provider.example",
        "Mail konnte nicht zugestellt werden",
        "Ihre Nachricht konnte nicht zugestellt werden: Empfänger unbekannt.",
    ),
    worded(
        "german-delay",
        DELAYED,
        "postmaster@provider.example",
        "Zustellung verzögert: Nachricht",
        "Die Zustellung hat sich verzögert. Es wird weiterhin versucht, die Nachricht zuzustellen.",
    ),
    worded(
        "french",
        PERMANENT,
        "MAILER-DAEMON@provider.example",
        "Échec de la remise",
        "Votre message n'a pas pu être remis. L'adresse n'existe pas.",
    ),
    worded(
        "spanish",
        PERMANENT,
        "postmaster@provider.example",
        "No se puede entregar: mensaje",
        "El mensaje no se pudo entregar. El usuario no existe.",
    ),
    worded(
        "italian",
        PERMANENT,
        "MAILER-DAEMON@provider.example",
        "Mancata consegna",
        "Il messaggio non recapitabile: casella inesistente. 550 5.1.1",
    ),
    worded(
        "dead-domain",
        PERMANENT,
        "MAILER-DAEMON@mx.example",
        "Undelivered Mail Returned to Sender",
        "<pat@homee.example>: Host or domain name not found. Name service error type=MX",
    ),
    worded("spam", PERMANENT, "MAILER-DAEMON@mx.example", "Mail delivery failed", "554 5.7.1 Message blocked as spam"),
    worded(
        "mimecast",
        PERMANENT,
        "postmaster@filter.example",
        "[Postmaster] Email Delivery Failure",
        "This is a delivery failure notification message indicating that an email you addressed to pat could "
        "not be delivered. "
        "The problem appears to be: -- Recipient email address is possibly incorrect. 550 Invalid Recipient",
    ),
    worded(
        "mimecast-delay",
        DELAYED,
        "postmaster@filter.example",
        "[Postmaster] Email Delivery Delayed",
        "Delivery has been delayed. We will continue to try for 4 days. You do not need to resend.",
    ),
    worded(
        "smtp-code-only",
        PERMANENT,
        "mailer-daemon@mx.example",
        "Undeliverable mail",
        "pat@home.example: 550 Requested action not taken: mailbox unavailable",
    ),
    worded(
        "connection",
        TEMPORARY,
        "mailer-daemon@mx.example",
        "Mail failure",
        "The mail system could not deliver mail to pat@home.example: 421 too many connections",
    ),
]
"""Name, severity, mail."""

TEXTS = [
    (
        "gave-up",
        TEMPORARY,
        "We could not deliver your mail. It was tried for three days, and then we gave up: no answer.",
    ),
    (
        "gave-up-on-an-address",
        PERMANENT,
        "I wasn't able to deliver your mail. Giving up on 192.0.2.7: 554 not from you",
    ),
    ("attempts", TEMPORARY, "Delivery failed after 12 attempts. The host could not be reached."),
    ("wrapped", TEMPORARY, "Your message could not be delivered because the mailbox of the recipient\nis\nfull."),
    (
        "full-beside-an-unknown-one",
        PERMANENT,
        "Could not deliver to kim: mailbox full.\n\nCould not deliver to pat: user unknown.",
    ),
    (
        "full-while-tried",
        DELAYED,
        "Delivery to pat was postponed, as the mailbox is full. We will keep trying for two days.",
    ),
    ("a-telephone-is-no-code", PERMANENT, "It could not be delivered. Call us on 450-555-0199 for help."),
    ("over-in-german", TEMPORARY, "Die Nachricht konnte nicht zugestellt werden: Der Posteingang ist überfüllt."),
    (
        "tried-in-german",
        TEMPORARY,
        "Die Nachricht konnte nicht zugestellt werden; nach 6 Versuchen haben wir aufgegeben.",
    ),
    ("tried-in-french", TEMPORARY, "Votre message n’a pas pu être remis après plusieurs tentatives."),
    ("full-in-french", TEMPORARY, "Votre message n'a pas pu être remis, le quota du destinataire est dépassé."),
    ("full-in-spanish", TEMPORARY, "El mensaje no se pudo entregar: la bandeja de entrada está llena."),
    ("tried-in-spanish", TEMPORARY, "El mensaje no se pudo entregar tras 4 días."),
]
"""A daemon's mails that say so in their text alone."""
BOUNCES += [worded(name, severity, "MAILER-DAEMON@x", "Returned mail", said) for name, severity, said in TEXTS]
BOUNCES += [
    worded(f"by-{author}", PERMANENT, f"{author}@home.example", "About your mail", "pat: there is no such person here.")
    for author in ("post_master", "Post-Master", "post.master", "mailer_daemon", "Mail.Delivery.System", "postmaster01")
]

FULL_HTML = (
    "From: Mail Delivery <postmaster@outlook.example>\nSubject: Undeliverable: Dr Ada\nContent-Type: "
    "text/html\n\n<html><body>"
    "<b>Delivery has failed to these recipients or groups:</b><p>pat@home.example</p>"
    "<p>The email address you entered couldn't "
    "be found.</p></body></html>\n"
)
BOUNCES.append(("html-alone", PERMANENT, crlf(FULL_HTML)))


def auto(
    name: str, fields: str, text: str = "I am away until 5.12.2026. Please write to kim@home.example."
) -> tuple[str, bytes]:
    """Mail that no person wrote."""
    return name, crlf(f"From: Pat <pat@home.example>\n{fields}\n\n{text}\n")


NOTES = [
    auto("rfc3834", "Subject: Re: Secure\nAuto-Submitted: auto-replied"),
    auto("vacation", "Subject: away from my mail\nPrecedence: bulk\nAuto-Submitted: auto-replied (vacation)"),
    auto("sieve", "Subject: Auto: Dr Ada has a secure message\nAuto-Submitted: auto-replied (vacation)"),
    auto("exchange-en", "Subject: Automatic reply: Dr Ada has a secure message"),
    auto("exchange-de", "Subject: Automatische Antwort: Dr Ada"),
    auto("exchange-fr", "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_Dr_Ada?="),
    auto("exchange-es", "Subject: =?utf-8?q?Respuesta_autom=C3=A1tica=3A_Dr_Ada?="),
    auto("exchange-it", "Subject: Risposta automatica: Dr Ada"),
    auto("exchange-nl", "Subject: Automatisch antwoord: Dr Ada"),
    auto("exchange-pl", "Subject: =?utf-8?q?Odpowied=C5=BA_automatyczna=3A_x?="),
    auto("exchange-ja", "Subject: =?utf-8?b?6Ieq5YuV5b+c562UOiB4?="),
    auto("exchange-sv", "Subject: Automatiskt svar: x"),
    auto("exchange-2003", "Subject: Out of Office AutoReply: x"),
    auto("gmail", "Subject: Re: x\nPrecedence: bulk\nX-Autoreply: yes\nAuto-Submitted: auto-replied"),
    auto("notes", "Subject: Pat is out of the office\nAuto-Submitted: auto-generated"),
    auto("notes-de", "Subject: Abwesenheitsnotiz: x"),
    auto("abwesend", "Subject: Abwesend: x"),
    auto("absence", "Subject: Absence du bureau : x"),
    auto("cpanel", "Subject: x\nX-Autorespond: x\nAuto-Submitted: auto-replied"),
    auto("plesk", "Subject: Re: x\nX-Autoreply: Yes"),
    auto("inbox-rule", "Subject: RE: x\nX-MS-Exchange-Inbox-Rules-Loop: pat@home.example"),
    auto("rules-agent", "Subject: RE: x\nx-ms-exchange-generated-message-source: Mailbox Rules Agent"),
    auto("groupwise", "Subject: Vacation Reply: x"),
    auto("junk", "Subject: x\nPrecedence: auto_reply"),
    auto("mdn", "Subject: Read: x\nContent-Type: multipart/report; report-type=disposition-notification; boundary=m"),
    auto("list", "Subject: x\nList-Id: <x.example>"),
    auto("noreply", "Subject: We have got your request\nReply-To: noreply@home.example\nPrecedence: junk"),
    auto("ticket", "Subject: [#123] Received\nAuto-Submitted: auto-generated"),
    auto("calendar", "Subject: Accepted: x\nContent-Type: text/calendar; method=REPLY"),
    auto("notes-auto", "Subject: AUTO: Pat Doe is out of the office (returning 05/12/2026)"),
    auto("notes-old", "Subject: Pat Doe is out of the office."),
    auto("bracketed", "Subject: [Auto-Reply] Dr Ada has a secure message"),
    auto("bracketed-pl", "Subject: =?utf-8?q?=5BAutomatyczna_odpowied=C5=BA=5D_x?="),
    auto("behind", "Subject: Re: Dr Ada has a secure message (Automatic Response)"),
    auto("alone", "Subject: Out of office"),
    auto("alone-vacation", "Subject: Vacation reply"),
    auto("until", "Subject: Out of office until 5 December"),
    auto("leave", "Subject: On annual leave"),
    auto("sentence", "Subject: I am on holiday till Monday"),
    auto("urlaub", "Subject: Im Urlaub"),
    auto("communigate", "Subject: Re: x\nX-Autogenerated: Reply"),
    auto("fuera", "Subject: Fuera de la oficina: x"),
]

PERSONAL = [
    auto(name, f"Subject: {subject}\n{fields}".rstrip("\n"), "REMIND")
    for name, subject, fields in [
        ("plain", "Re: Who is Pat to you?", ""),
        ("german", "AW: Who is Pat to you?", ""),
        ("command", "REMIND", ""),
        ("suppress", "RE: Who is Pat?", "X-Auto-Response-Suppress: DR, OOF, AutoReply"),
        ("no", "x", "Auto-Submitted: no"),
        ("about-absence", "Re: Automatic reply from Pat", ""),
        ("away", "Away day on Friday", ""),
        ("office", "Out of milk", ""),
        ("first-class", "x", "Precedence: first-class"),
        ("automatic", "Automatic doors in the hall", "X-Priority: 1"),
        ("delivery", "Delivery of the new chairs", ""),
        ("failed", "The lab has failed again", ""),
        ("ill", "Absent on Monday?", ""),
        ("vacation-plans", "Vacation plans for July", ""),
        ("returned", "Returned from leave", ""),
        ("read", "Read this first", ""),
        ("accepted", "Accepted: the offer", ""),
        ("colon", "Out of office supplies: please order", ""),
        ("who-is-away", "Who is out of the office on Monday?", ""),
        ("leave", "On leave of patients: a question", ""),
        ("in-brackets", "Re: the rota (vacation plans)", ""),
        ("receipt", "x", "Disposition-Notification-To: pat@home.example"),
        ("sensitivity", "x", "Sensitivity: Company-Confidential"),
        ("thread", "Re: Re: Fwd: x", "References: <a@b>"),
    ]
]
