"""What an invited person has given so far: it travels with the form, sealed, so that the page holds nothing to read."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from gateway.domain.vocabulary import Relationship
from gateway.errors import WrongKey
from gateway.portal.invite.forms import ProofForm
from gateway.ports import Keys

KEPT = "kept"
"""The step of what is kept in the browser for who comes back: it is none of the steps that are taken."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a state is worth something: under this very link, to this relationship's question, at this step.

    The link's token is of one invitation and one generation, so that a new link is a new beginning.
    """

    token: str
    relationship: Relationship
    step: str

    def __str__(self) -> str:
        return f"registration|{self.token}|{self.relationship}|{self.step}"


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed where it was asked, and nothing else.

    `proof` is what the relationship's own form holds; `verified` says that it was found right. The password is here as
    its hash.
    """

    proof: Mapping[str, str] = field(default_factory=dict)
    verified: bool = False
    name: str = ""
    password_hash: str = ""

    def with_proof(self, form: ProofForm) -> "Given":
        """What that form says now. A proof that was typed anew is to be found right anew."""
        proof = {name: value for name, value in form.data.items() if value}
        return replace(self, proof=proof, verified=self.verified and proof == self.proof)


def seal(keys: Keys, place: Place, given: Given) -> str:
    """For a hidden field; worth something only in its place."""
    return base64.urlsafe_b64encode(keys.seal(json.dumps(asdict(given)).encode(), str(place))).decode()


def unseal(keys: Keys, place: Place, sealed: str) -> Given:
    """What was sealed; nothing at all where it was not sealed by us for this place."""
    try:
        return Given(**json.loads(keys.open(base64.urlsafe_b64decode(sealed), str(place))))
    except (WrongKey, ValueError):
        return Given()
