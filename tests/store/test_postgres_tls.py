"""PostgreSQL across a network: encrypted, and sure that it is the server that was meant (`sslmode=verify-full`)."""

import os
from contextlib import closing

import pytest

from gateway.domain.model import Meta
from gateway.errors import StoreBusy
from gateway.store.databases import server_at
from gateway.store.postgres.connections import connect
from gateway.store.postgres.runner import PostgresStore
from gateway.testing import MemoryContent
from tests.edge.test_smtp_out import certificate
from tests.peers.postgres import NOBODY, Postgres

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The certificates of the server and of somebody else, by whose name nothing is signed."""
    folder = tmp_path_factory.mktemp("tls")
    return [certificate(folder, name)[0] for name in ("localhost", "elsewhere.example")]


@pytest.fixture(scope="module")
def server(files):
    server = Postgres(options=("-c", "ssl=on", "-c", "ssl_cert_file=server.pem", "-c", "ssl_key_file=server.pem"))
    pem = server.data / "server.pem"
    pem.write_bytes(files[0].read_bytes())
    pem.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(pem, NOBODY, NOBODY)
    (server.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
    server.start()
    server.database("gateway")
    yield server
    server.stop()


def at(server, root, host="localhost"):
    return server.of("gateway").replace("127.0.0.1", host) + f"?sslmode=verify-full&sslrootcert={root}"


async def test_everything_goes_encrypted_to_the_server_that_was_meant(server, files):
    url = at(server, files[0])
    server_at(url, "", 2).migrate()
    store = PostgresStore(url, MemoryContent())
    await store.write(lambda tx: tx.add(Meta(name="here", value=b"1")))
    encrypted = server.say("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'gateway'")
    await store.close()
    assert len(encrypted) >= 2  # the pool's, and the one that listens
    assert set(encrypted) == {(True,)}


@pytest.mark.parametrize(
    ("root", "host", "said"),
    [(1, "localhost", "certificate verify failed"), (0, "127.0.0.1", 'does not match host name "127.0.0.1"')],
)
def test_another_server_is_told_nothing(server, files, root, host, said):
    with pytest.raises(StoreBusy, match=said), closing(connect(at(server, files[root], host))):
        pass
