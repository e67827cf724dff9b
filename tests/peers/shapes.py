"""Mails made to keep a reader busy: each is all of one thing, and of too much of it."""

from collections.abc import Callable

FROM = "From: Dr Ada <ada@riverside.example>\r\n"
DAEMON = "From: MAILER-DAEMON@home.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
MULTIPART = "Content-Type: multipart/mixed; boundary=b\r\n"
HTML = "Content-Type: text/html\r\n"


def _mail(head: str, body: str = "LIST", author: str = FROM) -> bytes:
    return f"{author}{head}\r\n{body}\r\n".encode()


def _subject() -> bytes:
    return _mail(f"Subject: {'=?=?' * 10_000}\r\n")


def _words() -> bytes:
    return _mail("Subject: " + "\r\n ".join(["=?utf-8?q?=C3=A9?="] * 3000) + "\r\n")


def _dashes() -> bytes:
    return _mail("", "LIST\r\n" + "-" * 8000)


def _blank_lines() -> bytes:
    return _mail("", "LIST" + "\r\n" * 20_000 + "the end")


def _parts() -> bytes:
    return _mail(MULTIPART, "--b\r\n\r\nLIST\r\n" * 999 + "--b--")


def _mailboxes() -> bytes:
    return _mail("", author="From: " + ",\r\n ".join(["Ada <ada@riverside.example>"] * 14_400) + "\r\n")


def _foreign_mailboxes() -> bytes:
    return _mail("", author="From: " + ",\r\n ".join(["Ä <ä@bücher.example>"] * 14_400) + "\r\n")


def _results() -> bytes:
    said = "mx.riverside.example; " + ";\r\n ".join(["dmarc=pass (a (b) c) header.from=riverside.example"] * 4800)
    return _mail(f"Authentication-Results: {said}\r\n")


def _nested_html() -> bytes:
    return _mail(HTML, "<div>" * 60_000 + "LIST")


def _quoted_html() -> bytes:
    return _mail(HTML, "<b><i><blockquote type=cite>" * 10_000 + "LIST")


def _comments() -> bytes:
    comment = "(" * 3000 + ")" * 3000
    said = f"Authentication-Results: mx.riverside.example {comment}; dmarc=pass header.from=riverside.example\r\n"
    return _mail(
        f"{said}Date: {comment}\r\nMessage-ID: {comment}<1@x>\r\n", author=f"From: {comment} ada@x.example\r\n"
    )


def _deep() -> bytes:
    layers = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(5000))
    return _mail("", author=FROM + layers)


def _references() -> bytes:
    return _mail("References: " + "\r\n ".join(["<a@riverside.example>"] * 20_000) + "\r\n")


def _long_lines() -> bytes:
    """For the expressions that know a bounce by its words: each begins, again and again, what never ends."""
    words = "delivery is not user mailbox original - _ = 5.1. 4.2 could not be " * 200
    return _mail("", "\r\n".join([words, "=" * 20_000, "5." * 10_000, "user " * 4000]), DAEMON)


def _status() -> bytes:
    group = "Final-Recipient: rfc822; x@home.example\r\nAction: delayed\r\nDiagnostic-Code: smtp; 4" + "5.1." * 200
    report = "Content-Type: message/delivery-status\r\n\r\n" + f"{group}\r\n\r\n" * 300
    return _mail("Content-Type: multipart/report; boundary=b\r\n", f"--b\r\n{report}--b--", DAEMON)


def _one_field() -> bytes:
    return _mail("X-Long: " + "\r\n ".join(["x" * 70] * 14_000) + "\r\n")


def _many_fields() -> bytes:
    return _mail("X: y\r\n" * 9000 + "Received: from x\r\n" * 90)


SHAPES: dict[str, Callable[[], bytes]] = {
    "a subject of =?=?": _subject,
    "a subject of 3,000 encoded words": _words,
    "8,000 dashes": _dashes,
    "20,000 blank lines": _blank_lines,
    "999 parts": _parts,
    "14,400 authors": _mailboxes,
    "14,400 internationalised authors": _foreign_mailboxes,
    "250 KB of Authentication-Results": _results,
    "300 KB of nested <div>": _nested_html,
    "nested quotes in bold italics": _quoted_html,
    "3,000 nested comments": _comments,
    "5,000 parts within parts": _deep,
    "440 KB of References": _references,
    "long lines in a bounce": _long_lines,
    "a long delivery status": _status,
    "one field of 1 MB": _one_field,
    "9,000 fields": _many_fields,
}
