"""What finds messages by their words, as rows: an index for each account."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchIndex:
    """An account's own index: the key of its entries, wrapped for the account. Without it no entry can be read."""

    id: int = 0
    account_id: int
    wrapped_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntry:
    """A message that an account has received or written: its words, sealed under the index's key.

    `sealed` is None until the message was read for the index; `whole` says whether all of its text is in it.
    """

    id: int = 0
    account_id: int
    message_id: int
    sealed: bytes | None = None
    whole: bool = False
