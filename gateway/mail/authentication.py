"""What a mail server that we believe has said about a mail's author (RFC 8601)."""

from authres import AuthenticationResult, AuthenticationResultsHeader, AuthResError

from gateway.domain.address import address
from gateway.errors import BadAddress
from gateway.mail.parse import Head


def dmarc_passed(head: Head, authserv_id: str, author_domain: str) -> bool:
    """Whether the named server's own, topmost Authentication-Results say that DMARC passed for the author's domain.

    Any other server's field proves nothing; neither does a second field in our server's name, which a stranger may
    have written (RFC 8601 §5).
    """
    if not authserv_id:
        return False
    for value in head.all("authentication-results"):
        try:
            said = AuthenticationResultsHeader.parse(f"Authentication-Results: {value}")
        except (AuthResError, ValueError, IndexError):
            return False
        if (said.authserv_id or "").lower() != authserv_id.lower():
            return False  # a field above our server's was added after it: not what we know
        dmarc = [result for result in said.results if result.method == "dmarc"]
        return len(dmarc) == 1 and _passes(dmarc[0], author_domain)  # two that differ prove nothing
    return False


def _passes(result: AuthenticationResult, author_domain: str) -> bool:
    about = {(one.type, one.name): one.value for one in result.properties}
    return result.result == "pass" and _domain(about.get(("header", "from"), "")) == author_domain


def _domain(written: str) -> str:
    """A domain as addresses compare it; some servers write a whole address there."""
    try:
        return address(f"x@{written.rpartition('@')[2].rstrip('.')}").domain
    except BadAddress:
        return ""
