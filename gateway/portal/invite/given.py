"""What an invited person has given so far: it travels with the form, sealed, so that the page holds nothing to read."""

import base64
import binascii
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from starlette.datastructures import FormData

from gateway.errors import WrongKey
from gateway.ports import Keys


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed at each step; `verified` says that the proof was found right. The password is here as its hash."""

    day: str = ""
    month: str = ""
    year: str = ""
    organisation: str = ""
    practice_name: str = ""
    practice_phone: str = ""
    practice_address: str = ""
    name: str = ""
    password_hash: str = ""
    verified: bool = False

    def with_typed(self, form: FormData) -> "Given":
        """What a form says besides. A proof that was typed anew is to be found right anew."""
        typed = {name: value for name in _TYPED if isinstance(value := form.get(name), str)}
        changed = any(getattr(self, name) != value for name, value in typed.items() if name != "name")
        return replace(self, verified=self.verified and not changed, **typed)

    def typed(self) -> dict[str, Any]:
        """For filling in a form again."""
        return asdict(self)


_TYPED = tuple(one.name for one in fields(Given) if one.name not in ("password_hash", "verified"))


def seal(keys: Keys, token: str, given: Given) -> str:
    """For a hidden field; worth something only with the same link."""
    return base64.urlsafe_b64encode(keys.seal(json.dumps(asdict(given)).encode(), _bound_to(token))).decode()


def unseal(keys: Keys, token: str, sealed: str) -> Given:
    """What was sealed; nothing at all where it was not sealed by us for this link."""
    try:
        return Given(**json.loads(keys.open(base64.urlsafe_b64decode(sealed), _bound_to(token))))
    except (WrongKey, binascii.Error, ValueError):
        return Given()


def _bound_to(token: str) -> str:
    return f"registration|{token}"
