"""Perl's Mail::DKIM, which has nothing in common with the library that our signatures come from."""

import subprocess
from collections.abc import Mapping

from tests.peers import fetch
from tests.peers.dns_server import DnsServer, text

PROGRAM = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ["127.0.0.1"], port => $ARGV[0]));
my $verifier = Mail::DKIM::Verifier->new(); binmode STDIN; local $/; $verifier->PRINT(<STDIN>); $verifier->CLOSE;
print $_->selector, " ", $_->algorithm, " ", $_->result_detail, "\n" for $verifier->signatures;
"""


def verified(octets: bytes, records: Mapping[str, str]) -> list[str]:
    """For each signature: its selector, its algorithm and what came of it. `records` are TXT records by their name."""
    folders = sorted({*fetch.DKIM_ROOT.glob("usr/lib/*/perl5/*"), *fetch.DKIM_ROOT.glob("usr/share/perl5")})
    with DnsServer({name: {"TXT": [text(record)]} for name, record in records.items()}) as server:
        found = subprocess.run(
            ["perl", *(f"-I{folder}" for folder in folders), "-e", PROGRAM, str(server.port)],
            input=octets,
            env=fetch.environment(fetch.DKIM_ROOT),
            capture_output=True,
            check=True,
        )
    return found.stdout.decode().splitlines()
