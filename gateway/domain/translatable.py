"""Words for a person that are said in their language where they are shown."""

from typing import Any


class Translatable(str):
    """English words; `message` is what the catalogues know them by, with `%(name)s` for each of the `values`."""

    __slots__ = ("message", "values")

    message: str
    values: dict[str, Any]

    def __new__(cls, message: str, values: dict[str, Any]) -> "Translatable":
        said = super().__new__(cls, message % values if values else message)
        said.message, said.values = message, values
        return said


def say(message: str, **values: Any) -> Translatable:
    """Mark words for the catalogues; templates say them with the filter `said`."""
    return Translatable(message, values)
