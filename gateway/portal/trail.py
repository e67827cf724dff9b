"""Paths to files within messages that are files themselves: each one's index, from the outermost on."""

from starlette.convertors import Convertor, register_url_convertor


class Trail(Convertor[tuple[int, ...]]):
    """`3/0/2`: of the fourth file, a message, the first, which is one too, and of that the third."""

    regex = r"\d{1,4}(?:/\d{1,4}){0,10}"

    def convert(self, value: str) -> tuple[int, ...]:
        return tuple(map(int, value.split("/")))

    def to_string(self, value: tuple[int, ...]) -> str:
        return "/".join(map(str, value))


def register() -> None:
    """Make `{…:trail}` known to routes."""
    register_url_convertor("trail", Trail())
