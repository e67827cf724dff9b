"""What a mail server that we believe has said about a mail's author (RFC 8601)."""

from authres import AuthenticationResult, AuthenticationResultsHeader, AuthResError

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
        return any(_passes_dmarc(result, author_domain) for result in said.results)
    return False


def _passes_dmarc(result: AuthenticationResult, author_domain: str) -> bool:
    about = {(one.type, one.name): one.value.lower() for one in result.properties}
    return result.method == "dmarc" and result.result == "pass" and about.get(("header", "from")) == author_domain
