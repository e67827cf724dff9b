"""What only PostgreSQL has: a script here is applied right after the common one of the same number."""

from importlib import resources


def own_script(number: int) -> str:
    """The script of this number; "" where there is none."""
    found = [one for one in resources.files(__name__).iterdir() if one.name.startswith(f"{number:04d}_")]
    return found[0].read_text("utf-8") if found else ""
