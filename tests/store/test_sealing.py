"""What the seals promise: a token is right to its last character, and content is all there or does not open."""

import pytest

from gateway.domain.vocabulary import Purpose
from gateway.errors import WrongKey
from gateway.store.content import CHUNK, SpooledContent
from gateway.store.sealing import TAG
from gateway.testing import fake_keys

ROW = 70_000


def test_a_token_that_differs_in_any_one_character_opens_nothing():
    keys = fake_keys()
    token = keys.token(Purpose.INVITE, ROW)
    assert keys.holds(token, Purpose.INVITE, ROW)
    for at, character in enumerate(token):
        other = token[:at] + ("b" if character == "a" else "a") + token[at + 1 :]
        assert not keys.holds(other, Purpose.INVITE, ROW), at
    assert not keys.holds(token[:-1], Purpose.INVITE, ROW)
    assert not keys.holds(token + "a", Purpose.INVITE, ROW)


@pytest.fixture
def content(tmp_path):
    return SpooledContent(tmp_path)


def _opens(content, sealed):
    return content.get(sealed.content_id, sealed.inline, sealed.data_key)


def test_content_whose_last_chunks_are_gone_does_not_open(content):
    sealed = content.put(b"x" * (3 * CHUNK))
    file = content.file(sealed.content_id)
    whole = file.read_bytes()
    assert len(_opens(content, sealed)) == 3 * CHUNK
    for chunks in (1, 2):
        file.write_bytes(whole[: chunks * (CHUNK + TAG)])
        with pytest.raises(WrongKey):
            _opens(content, sealed)


def test_content_with_chunks_swapped_or_repeated_does_not_open(content):
    sealed = content.put(b"x" * CHUNK + b"y" * CHUNK + b"z")
    file = content.file(sealed.content_id)
    first, second, last = (file.read_bytes()[at * (CHUNK + TAG) : (at + 1) * (CHUNK + TAG)] for at in range(3))
    for altered in (second + first + last, first + first + last, first + second + last + last):
        file.write_bytes(altered)
        with pytest.raises(WrongKey):
            _opens(content, sealed)


def test_content_opens_under_no_other_name(content):
    sealed, other = content.put(b"x" * CHUNK), content.put(b"y" * CHUNK)
    file = content.file(sealed.content_id)
    file.write_bytes(content.file(other.content_id).read_bytes())
    with pytest.raises(WrongKey):
        content.get(sealed.content_id, None, other.data_key)
