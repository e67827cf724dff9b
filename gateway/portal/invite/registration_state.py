"""What an invited person has given so far: kept in their browser alone, in a sealed cookie for each invitation."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta

from starlette.responses import Response

from gateway.domain.vocabulary import Relationship
from gateway.errors import WrongKey
from gateway.portal import sealed_text
from gateway.portal.cookies import GIVEN
from gateway.portal.invite.forms import ProofForm
from gateway.portal.visit import Visit
from gateway.ports import Keys

KEPT_FOR = timedelta(hours=1)
"""How long one may stay away in the middle of it, and go on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is worth something: under this very link or account, to this relationship's question.

    The link's token is of one invitation and one generation, so that a new link is a new beginning.
    """

    token: str
    relationship: Relationship

    def __str__(self) -> str:
        return f"registration|{self.token}|{self.relationship}"


@dataclass(frozen=True, slots=True)
class RegistrationState:
    """What was typed where it was asked, and nothing else.

    `proof` is what the relationship's own form holds; `verified` says that it was found right. The password is here as
    its hash.
    """

    proof: Mapping[str, str] = field(default_factory=dict)
    verified: bool = False
    name: str = ""
    password_hash: str = ""

    def with_proof(self, form: ProofForm) -> "RegistrationState":
        """What that form says now. A proof that was typed anew is to be found right anew."""
        proof = {name: value for name, value in form.data.items() if value}
        return replace(self, proof=proof, verified=self.verified and proof == self.proof)


def cookie(invitation_id: int) -> str:
    """The name of the cookie: who registers with two practices at once loses nothing of either."""
    return f"{GIVEN}-{invitation_id}"


def seal(keys: Keys, place: Place, state: RegistrationState) -> str:
    """For the cookie; worth something only in its place."""
    octets = zlib.compress(json.dumps(asdict(state), ensure_ascii=False).encode("utf-8", "replace"), 9)
    return sealed_text.seal(keys, octets, str(place))


def unseal(keys: Keys, place: Place, sealed: str) -> RegistrationState:
    """What was sealed; nothing at all where it was not sealed by us for this place."""
    try:
        return RegistrationState(**json.loads(zlib.decompress(sealed_text.unseal(keys, sealed, str(place)))))
    except WrongKey:
        return RegistrationState()


def keep(visit: Visit, response: Response, invitation_id: int, place: Place, state: RegistrationState) -> bool:
    """Have the browser keep it for a while; False if it is more than that can keep."""
    return visit.portal.cookies.give(response, cookie(invitation_id), seal(visit.desk.keys, place, state), KEPT_FOR)


def found(visit: Visit, invitation_id: int, place: Place) -> RegistrationState:
    """What this browser has kept; nothing at all for any other one."""
    return unseal(visit.desk.keys, place, visit.portal.cookies.read(visit.request, cookie(invitation_id)))
