import pytest

from gateway.mail.encoding import field, mailbox


@pytest.mark.parametrize(
    ("name", "address", "written"),
    [
        ("", "pat@home.example", "pat@home.example"),
        ("Pat", "pat@home.example", '"Pat" <pat@home.example>'),
        ('Pat "P" \\', "pat@home.example", '"Pat \\"P\\" \\\\" <pat@home.example>'),
        ("Pät", "pat@home.example", "=?utf-8?b?UMOkdA==?= <pat@home.example>"),
        ("Pat", "pat@home.example>, <x@evil.example", '"Pat" <pat@home.example,x@evil.example>'),
        ("", "pat@home.example, x@evil.example", "<pat@home.example,x@evil.example>"),
    ],
)
def test_a_mailbox_names_one(name: str, address: str, written: str) -> None:
    assert mailbox(name, address) == written
    assert field("To", mailbox(name, address)) == f"To: {written}\r\n".encode()


def test_only_the_names_of_an_address_field_are_encoded() -> None:
    value = "Pät <pat@home.example>, pät@home.example, \r\n =?utf-8?q?a=0ABcc=3A_x?= <ada@riverside.example>"

    written = field("Cc", value).decode("utf-8")

    assert max(map(len, written.splitlines())) <= 78
    assert written == (
        'Cc: =?utf-8?b?UMOkdA==?= <pat@home.example>, pät@home.example, "a Bcc: x"\r\n <ada@riverside.example>\r\n'
    )


def test_an_unreadable_list_stays_inert() -> None:
    assert field("Reply-To", "undisclosed-recipients:;") == b"Reply-To: undisclosed-recipients:;\r\n"
    assert field("Reply-To", "ü\r\nBcc: x") == b"Reply-To: =?utf-8?b?w7wgQmNjOiB4?=\r\n"


def test_a_name_that_is_none_gives_no_field() -> None:
    assert field("X\r\nBcc", "y") == field("", "y") == field("X:", "y") == b""
