import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.mailboxes import mailboxes, plainly_one
from tests.mail.samples import words


def shown(value: str) -> list[tuple[str, str]]:
    return [(one.name, one.address.key) for one in mailboxes(value)]


@pytest.mark.parametrize(
    ("value", "name", "key"),
    [
        ("ada@riverside.example", "", "ada@riverside.example"),
        (" <Ada@Riverside.example> ", "", "ada@riverside.example"),
        ("Dr. Ada <ada@riverside.example>", "Dr. Ada", "ada@riverside.example"),
        ('"Ada, Dr \\"A\\"" <ada@riverside.example>', 'Ada, Dr "A"', "ada@riverside.example"),
        ("Ada (at (the) \\) desk) <ada@riverside.example> (x)", "Ada", "ada@riverside.example"),
        (
            "=?utf-8?q?=C3=81da=2C_b=40c=2Eexample?= <ada@riverside.example>",
            "Áda, b@c.example",
            "ada@riverside.example",
        ),
        ('"=?utf-8?b?w4FkYQ==?=" <ada@riverside.example>', "Áda", "ada@riverside.example"),
        ("Áda <áda@riverside.example>", "Áda", "áda@riverside.example"),
        ("[Riverside] Ada <ada@riverside.example>", "[Riverside] Ada", "ada@riverside.example"),
        ('"a b"@riverside.example', "", '"a b"@riverside.example'),
        ('"evil@x.example" <ada@riverside.example>', "evil@x.example", "ada@riverside.example"),
        ("\u202e Ada\u2028Bcc: x <ada@riverside.example>".replace(":", ""), "Ada Bcc x", "ada@riverside.example"),
    ],
)
def test_one_mailbox(value: str, name: str, key: str) -> None:
    assert shown(value) == [(name, key)]


@pytest.mark.parametrize(
    "value",
    [
        "a@evil.example, <ada@riverside.example>",
        "a@evil.example,ada@riverside.example,",
        ",x <a@evil.example> , ada@riverside.example",
    ],
)
def test_two_mailboxes_are_two(value: str) -> None:
    assert [key for _, key in shown(value)] == ["a@evil.example", "ada@riverside.example"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Ada",
        "<>",
        "a@evil.example <ada@riverside.example> x",
        "<a@evil.example> <ada@riverside.example>",
        "<a@evil.example><ada@riverside.example>",
        '(") <a@evil.example> (") <ada@riverside.example>',
        "<@evil.example:ada@riverside.example>",
        "staff: ada@riverside.example;",
        '"Ada <ada@riverside.example>',
        "Ada (x <ada@riverside.example>",
        "Ada) <ada@riverside.example>",
        "ada@riverside.example, nobody",
        "ada @riverside.example",
        "ada\\@riverside.example",
        "a" * 20_000 + "@riverside.example",
        "(" * 500 + ")" * 499,
    ],
)
def test_what_cannot_be_read_names_nobody(value: str) -> None:
    assert mailboxes(value) == ()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Smith, Bea <bea@riverside.example>", "Smith, Bea"),
        ("Smith, Bea, MD, PhD <bea@riverside.example> ", "Smith, Bea, MD, PhD"),
        ("=?utf-8?Q?Smith,_B=C3=A9a?= <bea@riverside.example>", "Smith, Béa"),
        ('"Dr Bea Smith <bea@riverside.example>', "Dr Bea Smith"),
        ('Dr Bea "Bee Smith <bea@riverside.example>', 'Dr Bea "Bee Smith'),
        ("Bea (Riverside <bea@riverside.example>", "Bea (Riverside"),
    ],
)
def test_what_is_badly_written_and_names_one_address_names_it(value: str, name: str) -> None:
    assert mailboxes(value) == ()
    [one] = plainly_one(value)
    assert (one.name, one.address.key) == (name, "bea@riverside.example")


@pytest.mark.parametrize(
    "value",
    [
        "bea@riverside.example, Smith <eve@evil.example>",
        "=?utf-8?Q?bea=40riverside.example,?= <eve@evil.example>",
        "Smith, <bea@riverside.example> <eve@evil.example>",
        "Smith, Bea <bea@riverside.example>, nobody",
        "Smith, Bea <bea@riverside.example> x",
        "staff: Smith, Bea <bea@riverside.example>",
        "Smith, Bea <@evil.example:bea@riverside.example>",
        "Smith, Bea <bea\u0000@riverside.example>",
        "Smith, Bea bea@riverside.example",
        "Smith, Bea <>",
        "x" * 9_000 + ", <bea@riverside.example>",
    ],
)
def test_what_could_be_two_names_nobody(value: str) -> None:
    assert plainly_one(value) == ()


@settings(max_examples=200)
@given(words | st.text(alphabet='a@.x<>(),;:"\\ =?', max_size=40))
def test_nothing_raises(value: str) -> None:
    for one in mailboxes(value):
        assert "@" in one.address.key
        assert one.name == " ".join(one.name.split())
