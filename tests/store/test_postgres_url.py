"""URLs of PostgreSQL databases: what is wrong with one is said without its password, and so is where it leads."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from gateway.errors import ConfigError
from gateway.store.databases import server_at
from gateway.store.postgres.url import shown_url, url_fault

SECRETS = ("password", "sslpassword")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway:geheim@db1/gateway",
        "postgresql://gateway:geheim@db1:5432,db2:5433/gateway?sslmode=verify-full&sslrootcert=/etc/a%20b.pem",
        "postgresql://gateway@db1,db2:5433/gateway?password=geheim&sslpassword=geheim",
        "postgresql://gateway@[::1]:5433,[::2]/gateway",
        "postgresql://a%40b:geheim@db1/g%2Fh?options=-c%20x%3Dy%26z",
        "postgresql:///gateway?host=/run/postgresql&user=a%20b",
        "postgresql://db1",
    ],
)
def test_a_url_that_is_shown_leads_to_the_same_place_and_has_no_secret(url):
    said = {name: value for name, value in conninfo_to_dict(url).items() if name not in SECRETS}
    assert conninfo_to_dict(shown_url(url)) == said
    assert "geheim" not in shown_url(url)
    assert url_fault(url) == url_fault(shown_url(url)) == ""


def test_one_port_of_several_hosts_is_that_of_each():
    assert shown_url("postgresql://u@db1,db2/g?port=77") == "postgresql://u@db1:77,db2:77/g"


def test_an_option_that_there_is_not_is_named():
    assert "no option 'sslmod'" in url_fault("postgresql://u:geheim@h/d?sslmod=verify-full")
    assert url_fault("postgresql://u:geheim@h/d?ssl=true") == ""


@pytest.mark.parametrize("secret", ["ge@heim", "ge/heim", "ge#heim", "ge?heim=x", "%zzgeheim", "12/?heim=x"])
def test_a_password_that_is_not_written_as_it_has_to_be_is_not_repeated(secret):
    said = url_fault(f"postgresql://u:{secret}@h/d")
    assert "write postgresql://USER:PASSWORD@HOST" in said
    assert "heim" not in said


def test_a_url_that_cannot_be_used_is_a_fault_of_the_settings():
    with pytest.raises(ConfigError, match=r"^database\.url: this is no URL") as refused:
        server_at("postgresql://u:ge@heim@h/d", "", 2)
    assert type(refused.value) is ConfigError  # what a command was told to use ends with another code
