"""What a browser keeps for us, in a cookie or a form: sealed, as text, for one use alone."""

import base64

from gateway.errors import WrongKey
from gateway.ports import Keys


def seal(keys: Keys, octets: bytes, bound_to: str) -> str:
    """For the browser; `bound_to` names what it is for, and nothing else opens it."""
    return base64.urlsafe_b64encode(keys.seal(octets, bound_to)).decode()


def unseal(keys: Keys, text: str, bound_to: str) -> bytes:
    """What was sealed. Raises WrongKey for anything that we have not sealed for that."""
    try:
        sealed = base64.urlsafe_b64decode(text)
    except ValueError as error:
        raise WrongKey from error
    return keys.open(sealed, bound_to)
