"""What a mail server that is believed says of an author: read strictly, undecoded, in linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.authentication import LONGEST, dmarc_passed
from gateway.mail.parse import head
from tests.mail.samples import crlf

OURS = "mx.riverside.example"
PASS = "dmarc=pass header.from=riverside.example"
FAIL = "dmarc=fail header.from=riverside.example"


def believed(*fields: str, domain: str = "riverside.example", ours: str = OURS) -> bool:
    said = "".join(f"Authentication-Results: {field}\n" for field in fields)
    return dmarc_passed(head(crlf(f"Received: x\n{said}From: Ada <ada@{domain}>\n\n")), ours)


@pytest.mark.parametrize(
    "field",
    [
        f"{OURS}; {PASS}",
        f"{OURS};{PASS}",
        "MX.Riverside.Example; DMARC=Pass header.from=Riverside.EXAMPLE",
        f"{OURS} 1; dmarc=pass policy.dmarc=reject header.from=riverside.example.",
        f'"{OURS}"; {PASS}',
        f"(border) {OURS} (ours) 1 ; dmarc/1=pass (p=reject (strict)) header.from=riverside.example (author)",
        f"{OURS}; dmarc=pass header.from=ada@riverside.example",
        f'{OURS}; dmarc=pass header.from="riverside.example"',
    ],
)
def test_our_own_servers_pass_is_believed(field: str) -> None:
    assert believed(field)


WRITTEN = {
    "Gmail": 'mx.google.com;\n       dkim=pass header.i=@riverside.example header.s=google header.b="D/71Zr0S";\n'
    "       arc=pass (i=1 spf=pass spfdomain=riverside.example dkim=pass dkdomain=riverside.example dmarc=pass"
    " fromdomain=riverside.example);\n       spf=pass (google.com: domain of bounces+x=y@riverside.example designates"
    ' 192.0.2.5 as permitted sender) smtp.mailfrom="bounces+x=y@riverside.example";\n'
    "       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=riverside.example;\n"
    "       dara=pass header.i=@x.example",
    "OpenDMARC": "mx.google.com; dmarc=pass (p=none dis=none) header.from=riverside.example",
    "OpenDKIM and OpenDMARC": "mx.google.com; dkim=pass (2048-bit key; unprotected) header.d=riverside.example"
    ' header.i=@riverside.example header.a=rsa-sha256 header.s=s header.b="iKolNvQh"; \n\tdkim-atps=neutral;'
    " dmarc=pass (p=none dis=none) header.from=riverside.example",
    "rspamd": "mx.google.com;\n\tdkim=pass header.d=riverside.example header.s=s header.b=nh0+1DoW;\n\tspf=pass"
    ' (mx.google.com: domain of "list+bounces-1=x@lists.example" designates 2600:3c0a:e001:db::12fc:5321 as permitted'
    ' sender) smtp.mailfrom="list+bounces-1=x@lists.example";\n\tdmarc=pass (policy=quarantine)'
    ' header.from=riverside.example;\n\tarc=pass ("lists.example:s=arc-20240116:i=1")',
    "Fastmail": "mx.google.com; arc=none (no signatures found); bimi=skipped (DMARC Policy is not at enforcement);"
    " dkim=pass (2048-bit rsa key sha256) header.d=riverside.example header.i=@riverside.example header.b=Xk3p"
    " header.a=rsa-sha256 header.s=s x-bits=2048; dmarc=pass policy.published-domain-policy=none"
    " policy.applied-disposition=none policy.evaluated-disposition=none (p=none,d=none,d.eval=none)"
    " policy.policy-from=p header.from=riverside.example; iprev=pass smtp.remote-ip=192.0.2.5 (mail.riverside.example);"
    " spf=pass smtp.mailfrom=ada@riverside.example smtp.helo=mail.riverside.example; x-tls=pass smtp.version=TLSv1.3"
    " smtp.cipher=TLS_AES_256_GCM_SHA384 smtp.bits=256/256",
    "a bounce, without an envelope sender": "mx.google.com; spf=none smtp.mailfrom=; dmarc=pass"
    " header.from=riverside.example",
}
EXCHANGE = (
    "spf=pass (sender IP is 192.0.2.5)\n smtp.mailfrom=riverside.example; dkim=pass (signature was verified)\n"
    " header.d=riverside.example;dmarc=pass action=none\n header.from=riverside.example;compauth=pass reason=100"
)


@pytest.mark.parametrize("server", WRITTEN)
def test_what_real_servers_write_is_understood(server: str) -> None:
    assert believed(WRITTEN[server], ours="mx.google.com")
    assert not believed(WRITTEN[server].replace("dmarc=pass (p", "dmarc=fail (p"), domain="evil.example")


@pytest.mark.parametrize(
    "field", [EXCHANGE, EXCHANGE.removesuffix("compauth=pass reason=100"), f"mx.microsoft.com 1; {PASS}"]
)
def test_exchange_online_leaves_its_name_out_and_is_meant_by_that_of_its_servers(field: str) -> None:
    assert believed(field, ours="mx.microsoft.com")
    assert not believed(field)


def test_only_exchange_online_may_leave_its_name_out() -> None:
    assert not believed(EXCHANGE, ours="mx.google.com")
    assert not believed(EXCHANGE.replace("dmarc=pass", "dmarc=fail"), ours="mx.microsoft.com")
    assert not believed(f"evil.example; {PASS}", EXCHANGE, ours="mx.microsoft.com")


ODD = {
    "no field": (),
    "no pass": (f"{OURS}; {FAIL}",),
    "no policy": (f"{OURS}; dmarc=none header.from=riverside.example",),
    "nothing of DMARC": (f"{OURS}; dkim=pass header.d=riverside.example",),
    "no result": (f"{OURS}; none",),
    "no result and more": (f"{OURS}; none; {PASS}",),
    "another domain": (f"{OURS}; dmarc=pass header.from=evil.example",),
    "a longer domain": (f"{OURS}; dmarc=pass header.from=riverside.example.evil.example",),
    "two at signs": (f"{OURS}; dmarc=pass header.from=x@evil.example@riverside.example",),
    "no domain": (f"{OURS}; dmarc=pass",),
    "a domain elsewhere": (f"{OURS}; dmarc=pass; x=pass header.from=riverside.example",),
    "another property": (f"{OURS}; dmarc=pass smtp.from=riverside.example",),
    "two domains": (f"{OURS}; {PASS} header.from=evil.example",),
    "the same domain twice": (f"{OURS}; {PASS} header.from=riverside.example",),
    "two results": (f"{OURS}; {PASS}; {FAIL}",),
    "two that agree": (f"{OURS}; {PASS}; {PASS}",),
    "another server": (f"{OURS}.evil.example; {PASS}",),
    "a server in a comment": (f"evil.example (x {OURS}; {PASS})",),
    "a server in a value": (f'evil.example; x=pass reason="{OURS}; {PASS}"',),
    "another server above": (f"evil.example; {PASS}", f"{OURS}; {PASS}"),
    "a second field of ours": (f"{OURS}; {FAIL}", f"{OURS}; {PASS}"),
    "a second field of ours beneath one of SPF": (f"{OURS}; spf=pass smtp.mailfrom=x@y.example", f"{OURS}; {PASS}"),
    "an envelope sender of a server that leaves quotes out, and the true result beneath": (
        f"{OURS}; spf=pass smtp.mailfrom=x; {PASS}; y=z policy.q=@evil.example",
        f"{OURS};\n dkim=none",
        f'"{OURS}" 1;\n DMARC =fail header.from=riverside.example',
    ),
    "an open comment": (f"{OURS}; {PASS} (",),
    "a closed comment": (f"{OURS}; {PASS} )",),
    "an open quote": (f'{OURS}; {PASS} policy.x="',),
    "an empty result": (f"{OURS};; {PASS}",),
    "two empty results at the end": (f"{OURS}; {PASS};;",),
    "half a property": (f"{OURS}; dmarc=pass header.from",),
    "no equals sign": (f"{OURS}; {PASS} trailing",),
    "trailing text": (f"{OURS}; {PASS}; trailing text",),
    "an unknown version": (f"{OURS} 2; {PASS}",),
    "a version that is none": (f"{OURS} x; {PASS}",),
    "two versions": (f"{OURS} 1 1; {PASS}",),
    "an unknown version of the method": (f"{OURS}; dmarc/2=pass header.from=riverside.example",),
    "an encoded word": (f"{OURS}; {PASS} policy.x==?utf-8?q?x?=",),
    "an encoded result": (f"{OURS}; =?utf-8?q?dmarc=3Dpass_header.from=3Driverside.example?=",),
    "an encoded envelope sender": (
        f"{OURS}; spf=pass smtp.mailfrom==?utf-8?q?x=3B_dmarc=3Dpass_header.from=3Driverside.example?=@evil.example",
    ),
    "eight bits": (f"{OURS}; {PASS} (ü)",),
    "a backslash": (f'{OURS}; {PASS} policy.x="\\""',),
    "a control character": (f"{OURS}; {PASS} (\x07)",),
    "a bare CR": (f"{OURS};\r {PASS}",),
    "longer than anybody writes": (f"{OURS}; {PASS} ({'x' * LONGEST})",),
    "a result hidden in a comment": (f"{OURS}; spf=pass smtp.mailfrom=x; {PASS} (@evil.example; {FAIL}; x=)",),
    "a result hidden in quotes": (f'{OURS}; {PASS} policy.x="@evil.example; {FAIL}; x="',),
    "values on both sides of the true result": (
        f"{OURS}; spf=pass smtp.mailfrom=x;{PASS};x=pass (@evil.example; {FAIL}; dkim=pass header.d=a)b.example",
    ),
    "and with quotes": (
        f'{OURS}; spf=pass smtp.mailfrom=x;{PASS};x=pass reason="@evil.example; {FAIL}; dkim=pass header.d=a"b.example',
    ),
    "and a nested comment": (f"{OURS}; {PASS}; x=pass ((;) {FAIL} ()) y.z=a",),
}


def test_other_fields_may_speak_of_what_they_like() -> None:
    others = (
        f"{OURS}; bimi=skipped (DMARC Policy is not at enforcement)",
        f"evil.example; {FAIL}",
        f"{OURS}; dkim=none",
    )
    assert believed(f"{OURS}; {PASS}", *others)
    assert believed(EXCHANGE, *others, ours="mx.microsoft.com")
    assert not believed(EXCHANGE, EXCHANGE.replace("dmarc=pass", "dmarc=fail"), ours="mx.microsoft.com")


@pytest.mark.parametrize("what", ODD)
def test_nothing_else_is(what: str) -> None:
    assert not believed(*ODD[what])


def test_a_server_that_is_not_named_is_not_believed() -> None:
    assert not believed(f"{OURS}; {PASS}", ours="")
    assert not believed(f"; {PASS}", ours="")


def test_several_authors_are_none() -> None:
    raw = crlf(f"Authentication-Results: {OURS}; {PASS}\nFrom: ada@riverside.example\nFrom: eve@evil.example\n\n")
    assert not dmarc_passed(head(raw), OURS)


PIECES = st.sampled_from(
    [
        OURS,
        ";",
        " ",
        "(",
        ")",
        '"',
        "=",
        "dmarc=pass",
        "dmarc=fail",
        "header.from=riverside.example",
        "x",
        "\n ",
        "1",
        "@",
        "/",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_stands_there_is_answered_and_a_true_fail_is_never_read_as_a_pass(said: str) -> None:
    assert believed(f"{OURS}; {said}") in (True, False)
    assert not believed(f"{OURS}; {said}; {FAIL}; {said}")


@pytest.mark.parametrize("shape", ["(", "()", '"x"', "x=y ", ";", " ", "((", "; dmarc=", "(;", '"a', "a=b;", "=?"])
def test_the_longest_field_of_any_shape_is_read(shape: str) -> None:
    for size in (LONGEST - 100, 250_000):
        assert not believed(f"{OURS}; {shape * size}"[:size])
        assert not believed(f"{OURS}; {PASS}; {shape * size}"[:size] + "x")
