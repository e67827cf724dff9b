import pytest

from gateway.domain.address import address
from gateway.domain.typos import PROVIDERS, meant


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("pat@gmial.com", "pat@gmail.com"),
        ("Pat.Smith@gmail.con", "Pat.Smith@gmail.com"),
        ("pat@gmal.com", "pat@gmail.com"),
        ("pat@hotmial.com", "pat@hotmail.com"),
        ("pat@yaho.com", "pat@yahoo.com"),
        ("pat@outlok.com", "pat@outlook.com"),
        ("pat@icloud.co", "pat@icloud.com"),
        ("pat@btinternet.co", "pat@btinternet.com"),
    ],
)
def test_a_slip(typed: str, right: str) -> None:
    assert meant(address(typed)) == right


@pytest.mark.parametrize(
    "domain",
    [*sorted(PROVIDERS), "home.example", "riverside.example", "clinic.org", "gmx.org", "maxi.com", "hillside.co.uk"],
)
def test_no_slip(domain: str) -> None:
    assert meant(address(f"pat@{domain}")) == ""
