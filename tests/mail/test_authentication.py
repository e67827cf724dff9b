import pytest

from gateway.mail.authentication import dmarc_passed
from gateway.mail.parse import head
from tests.mail.samples import crlf

OURS = "mx.riverside.example"


def believed(*fields: str, domain: str = "riverside.example") -> bool:
    said = "".join(f"Authentication-Results: {field}\n" for field in fields)
    return dmarc_passed(head(crlf(f"Received: x\n{said}From: Ada <ada@riverside.example>\n\n")), OURS, domain)


@pytest.mark.parametrize(
    "field",
    [
        f"{OURS}; dmarc=pass header.from=riverside.example",
        f"{OURS}; spf=pass smtp.mailfrom=ada@riverside.example; dkim=pass header.d=riverside.example;\n"
        " dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=riverside.example",
        "MX.Riverside.Example; dmarc=pass header.from=Riverside.EXAMPLE",
        f"{OURS} 1; dmarc=pass policy.dmarc=reject header.from=riverside.example.",
    ],
)
def test_our_own_servers_pass_is_believed(field: str) -> None:
    assert believed(field)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (f"{OURS}; dmarc=fail header.from=riverside.example",),
        (f"{OURS}; dmarc=none header.from=riverside.example",),
        (f"{OURS}; dkim=pass header.d=riverside.example",),
        (f"{OURS}; dmarc=pass header.from=evil.example",),
        (f"{OURS}; dmarc=pass header.from=riverside.example.evil.example",),
        (f"{OURS}; dmarc=pass",),
        (f"{OURS}; dmarc=pass header.from=riverside.example; dmarc=fail header.from=riverside.example",),
        (f"{OURS}.evil.example; dmarc=pass header.from=riverside.example",),
        (f"evil.example (x {OURS}; dmarc=pass header.from=riverside.example)",),
        (f'evil.example; x=pass reason="{OURS}; dmarc=pass header.from=riverside.example"',),
        ("evil.example; dmarc=pass header.from=riverside.example", f"{OURS}; dmarc=pass header.from=riverside.example"),
        (f"{OURS}; dmarc=fail header.from=riverside.example", f"{OURS}; dmarc=pass header.from=riverside.example"),
        ("(",),
        (f"{OURS};; dmarc=pass header.from",),
    ],
)
def test_nothing_else_is(fields: tuple[str, ...]) -> None:
    assert not believed(*fields)
