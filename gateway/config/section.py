"""What every table of the settings file has in common."""

import unicodedata
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(extra="forbid", validate_default=False)

    several_lines: ClassVar[frozenset[str]] = frozenset()
    """Keys whose texts may have line breaks and tabs in them."""

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_controls(cls, value: Any, info: ValidationInfo) -> Any:
        """No path, name or header can hold a NUL or a line break: what meets them fails, or is led astray."""
        allowed = "\t\r\n" if info.field_name in cls.several_lines else ""
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any(is_control(one) and one not in allowed for one in text):
                raise ValueError("write it without line breaks, NUL and other control characters")
        return value


def is_control(character: str) -> bool:
    """Whether it is a control character, ends a line, or is half a character."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
