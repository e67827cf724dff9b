import httpx2
import pytest
from joserfc.jwk import RSAKey

from gateway.admin.checks.table import inspect
from gateway.config.toml_file import load
from gateway.edge.web.openid import OpenId
from gateway.edge.web.openid import Provider as Configured
from gateway.ports import SignInFailed
from tests.edge.provider import CLIENT, SECRET, provided
from tests.edge.test_smtp_out import certificate
from tests.test_settings import GOOD

pytestmark = pytest.mark.peer

BACK = "https://secure.riverside.example/staff/riverside/back"


@pytest.fixture
async def provider():
    async with provided() as running:
        yield running


def sign_in(provider, **more):
    return OpenId(Configured(provider.issuer, CLIENT, SECRET, **more))


async def code_of(asked):
    """What a browser brings back that follows the redirect."""
    async with httpx2.AsyncClient() as browser:
        query = httpx2.URL((await browser.get(asked.url)).headers["location"]).params
    assert query["state"] == asked.remembered["state"]
    return query["code"]


async def through(one):
    """The whole flow: the address."""
    asked = await one.begin(BACK)
    return await one.finish(asked.remembered, await code_of(asked), BACK)


async def test_whoever_the_provider_names_is_signed_in(provider):
    assert await through(sign_in(provider)) == "ada@riverside.example"
    [asked] = provider.asked
    assert asked["scope"].split() == ["openid", "email", "profile"]
    assert asked["nonce"]


async def test_another_claim_may_hold_the_address(provider):
    provider.claims |= {"email": "x@elsewhere.example", "upn": "ada@riverside.example"}
    assert await through(sign_in(provider, claim="upn")) == "ada@riverside.example"


@pytest.mark.parametrize("said", [True, 1, "1", "true"])
async def test_another_claim_may_vouch_for_the_address(provider, said):
    provider.claims |= {"email_verified": None, "xms_edov": said}
    assert await through(sign_in(provider, verified_claim="xms_edov")) == "ada@riverside.example"
    with pytest.raises(SignInFailed, match="email_verified"):
        await through(sign_in(provider))
    provider.claims |= {"email_verified": True, "xms_edov": False}
    with pytest.raises(SignInFailed, match="xms_edov"):
        await through(sign_in(provider, verified_claim="xms_edov"))


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"email": None},
        {"email": ""},
        {"email": ["ada@riverside.example"]},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": None},
        {"email_verified": ""},
        {"email_verified": 0},
        {"email_verified": "0"},
        {"email_verified": [True]},
        {"email_verified": "yes"},
    ],
)
async def test_a_token_that_is_not_for_us_signs_nobody_in(provider, claims):
    provider.claims |= claims
    with pytest.raises(SignInFailed):
        await through(sign_in(provider))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_that_anybody_could_have_signed_is_refused_though_the_provider_offers_that(provider, algorithm):
    provider.algorithm = algorithm
    with pytest.raises(SignInFailed):
        await through(sign_in(provider))


async def test_a_key_that_is_not_the_providers_is_refused(provider):
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    with pytest.raises(SignInFailed):
        await through(sign_in(provider))


async def test_a_provider_that_says_it_is_another_is_refused(provider):
    provider.metadata = {"issuer": "https://evil.example"}
    with pytest.raises(SignInFailed, match="says that it is"):
        await OpenId(Configured(provider.issuer, CLIENT)).begin(BACK)


async def test_a_new_key_is_fetched_when_it_is_used(provider):
    one = sign_in(provider)
    assert await through(one) == "ada@riverside.example"
    provider.key = provider.signs_with = RSAKey.generate_key(2048, {"kid": "two"})
    assert await through(one) == "ada@riverside.example"


async def test_a_code_that_was_used_is_good_no_more(provider):
    one = sign_in(provider)
    asked = await one.begin(BACK)
    code = await code_of(asked)
    await one.finish(asked.remembered, code, BACK)
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await one.finish(asked.remembered, code, BACK)


async def test_no_provider_is_told_in_a_line():
    with pytest.raises(SignInFailed, match=r"127\.0\.0\.1:1: ConnectError"):
        await OpenId(Configured("http://127.0.0.1:1", CLIENT)).check()


SETTINGS = """
[[openid]]
practice = "riverside-family-practice"
issuer = "{issuer}"
client_id = "gateway"
"""


async def openid_line(folder, issuer, more=""):
    """What `gateway check` says."""
    file = folder / "gateway.toml"
    file.write_text(GOOD + SETTINGS.format(issuer=issuer) + more)
    [found] = [one.line for one in await inspect(load(file)) if "openid" in one.line]
    return found


async def test_check_says_in_a_line_whether_the_provider_can_be_asked(provider, tmp_path):
    assert await openid_line(tmp_path, provider.issuer) == "ok       openid: riverside-family-practice"
    assert (await openid_line(tmp_path, "http://127.0.0.1:1")).startswith(
        "FAULT    openid: http://127.0.0.1:1: Connect"
    )
    lost = 'client_secret_file = "nowhere"'
    assert (await openid_line(tmp_path, provider.issuer, lost)).startswith("FAULT    openid.client_secret_file: ")


async def test_the_providers_certificate_must_be_valid(tmp_path):
    pem, _ = certificate(tmp_path, "localhost")
    async with provided(pem) as provider:
        assert "CERTIFICATE_VERIFY_FAILED" in await openid_line(tmp_path, provider.issuer)
        trusted = f'ca_file = "{pem}"'
        assert (await openid_line(tmp_path, provider.issuer, trusted)).startswith("ok ")
