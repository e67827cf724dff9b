"""What a person has begun to write in the portal, as rows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that a person has begun to write: what they wrote is sealed. `copy_id` is what it answers; `writing` is
    what its form bears, `version` counts how often it was saved.
    """

    id: int = 0
    account_id: int
    copy_id: int | None = None
    writing: str = ""
    version: int = 0
    sealed: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFile:
    """A file that is kept with a draft: its name, type and key are sealed."""

    id: int = 0
    draft_id: int
    content_id: str
    sealed: bytes
