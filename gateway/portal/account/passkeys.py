"""Passkeys (WebAuthn Level 3): what the browser is asked to make or sign, and whether that is good."""

import json
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.domain.model import Account, Passkey
from gateway.flow.accounts import second_factor
from gateway.portal.account import pending
from gateway.portal.account.pending import Pending
from gateway.portal.visit import Visit

LONGEST = 20_000
"""Octets of what a browser answers."""


def registration(visit: Visit, account: Account, known: tuple[Passkey, ...], asked: Pending) -> str:
    """What the browser needs to make a passkey, as JSON."""
    options = generate_registration_options(
        rp_id=_host(visit),
        rp_name=visit.desk.site.name,
        user_id=visit.desk.keys.digest("passkey", str(account.id).encode()),
        user_name=account.typed,
        user_display_name=account.name,
        challenge=pending.octets(asked.challenge),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options)


def authentication(visit: Visit, known: tuple[Passkey, ...], asked: Pending) -> str:
    """What the browser needs to sign with one of these passkeys, or with any it has; as JSON."""
    options = generate_authentication_options(
        rp_id=_host(visit),
        challenge=pending.octets(asked.challenge),
        allow_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in known],
        user_verification=UserVerificationRequirement.PREFERRED if known else UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def made(visit: Visit, account: Account, asked: Pending, answer: str, name: str) -> Passkey | None:
    """The passkey that the browser has made; None if anything about it is not as asked."""
    try:
        checked = verify_registration_response(
            credential=_read(answer),
            expected_challenge=pending.octets(asked.challenge),
            expected_rp_id=_host(visit),
            expected_origin=visit.desk.site.portal_url,
        )
    except (WebAuthnException, ValueError):
        return None
    return Passkey(
        account_id=account.id,
        credential=checked.credential_id,
        public_key=checked.credential_public_key,
        sign_count=checked.sign_count,
        name=name,
        created_at=visit.desk.clock.now(),
    )


async def signed(visit: Visit, asked: Pending, answer: str, *, alone: bool) -> Account | None:
    """Whose passkey has signed what was asked; None if it is not good.

    `alone`: it stands for the password too, so that the person must have shown themselves to it.
    """
    try:
        credential = _read(answer)
        found = await visit.desk.ask(second_factor.passkey_of, base64url_to_bytes(str(credential.get("rawId", ""))))
        if found is None:
            return None
        passkey, account = found
        checked = verify_authentication_response(
            credential=credential,
            expected_challenge=pending.octets(asked.challenge),
            expected_rp_id=_host(visit),
            expected_origin=visit.desk.site.portal_url,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=alone,
        )
    except (WebAuthnException, ValueError):
        return None
    challenge = pending.octets(asked.challenge)
    fresh = await visit.desk.do(second_factor.use_passkey, passkey, checked.new_sign_count, challenge)
    return account if fresh else None


def _read(answer: str) -> dict[str, Any]:
    """Raises ValueError."""
    read = json.loads(answer[:LONGEST])
    if not isinstance(read, dict):
        raise ValueError("no object")
    return read


def _host(visit: Visit) -> str:
    return urlsplit(visit.desk.site.portal_url).hostname or ""
