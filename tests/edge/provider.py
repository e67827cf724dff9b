"""A provider of OpenID Connect on loopback, that signs in whoever comes, and can be told to lie."""

import asyncio
import base64
import hashlib
import json
import socket
import time
from contextlib import asynccontextmanager
from functools import cache
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

CLIENT, SECRET = "gateway", "hush"


@cache
def _key():
    """One for all: to make it takes a while."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Provider:
    """`claims` change the tokens; `metadata` changes what it says of itself."""

    def __init__(self, issuer):
        self.issuer = issuer
        self.key = _key()
        self.signs_with = self.key
        self.algorithm, self.claims, self.metadata, self.token_status = (
            "RS256",
            {"email": "ada@riverside.example", "email_verified": True},
            {},
            200,
        )
        self.asked, self.codes = [], {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._says),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _says(self, _):
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }
        return JSONResponse(said | self.metadata)

    async def _keys(self, _):
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _authorize(self, request):
        asked = dict(request.query_params)
        self.asked.append(asked)
        code = f"code{len(self.asked)}"
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def _token(self, request):
        form = await request.form()
        asked = self.codes.pop(form.get("code"), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        right = (
            asked is not None
            and request.headers.get("authorization") == f"Basic {known}"
            and asked["code_challenge_method"] == "S256"
            and asked["code_challenge"] == proof.decode()
            and asked["redirect_uri"] == form.get("redirect_uri")
        )
        if not right:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        return JSONResponse(
            {"access_token": "a", "token_type": "Bearer", "id_token": self._signed(claims | self.claims)}
        )

    def _signed(self, claims):
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            head, body = (
                base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
                for text in ('{"alg":"none","typ":"JWT"}', json.dumps(claims))
            )
            return f"{head}.{body}."
        key = OctKey.import_key(SECRET) if self.algorithm == "HS256" else self.signs_with
        return jwt.encode({"alg": self.algorithm, "kid": self.signs_with.kid}, claims, key, algorithms=[self.algorithm])


@asynccontextmanager
async def provided(certificate=None):
    """A running provider; over TLS with the file of a certificate for localhost."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        provider = Provider(f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}")
        config = uvicorn.Config(provider.app, log_level="critical", lifespan="off", ssl_certfile=certificate)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield provider
        finally:
            server.should_exit = True
            await task
