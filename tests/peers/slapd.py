"""A private OpenLDAP server: unpacked, not installed; everything of its own in one folder, loopback only."""

import shutil
import signal
import subprocess
import tempfile
import weakref
from pathlib import Path

from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.process import wait_until_listening

BASE = "dc=hospital,dc=example"
READER, PASSWORD = f"cn=gateway,{BASE}", "open sesame"
CONFIG = """
include {root}/etc/ldap/schema/core.schema
include {root}/etc/ldap/schema/cosine.schema
include {root}/etc/ldap/schema/inetorgperson.schema
modulepath {root}/usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
{tls}
database mdb
maxsize 10485760
suffix "{base}"
rootdn "{reader}"
rootpw "{password}"
directory {folder}/data
dbnosync
access to * by dn.exact="{reader}" read by anonymous auth by * none
"""
HEAD = f"""dn: {BASE}
objectClass: domain
dc: hospital

dn: ou=riverside,{BASE}
objectClass: organizationalUnit
ou: riverside

dn: ou=hillside,{BASE}
objectClass: organizationalUnit
ou: hillside
"""
PERSON = """
dn: uid={uid},ou={unit},{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {name}
sn: {name}
displayName: {name}
mail: {address}
employeeType: {does}
"""


class Slapd:
    """One directory, on one port, whether it runs or not."""

    def __init__(self, certificate: Path | None = None, *, from_start: bool = True) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ldap-", dir="/tmp"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "data").mkdir()
        self.port = reserve(self)
        self._is_tls = certificate is not None and from_start
        self._process: subprocess.Popen[bytes] | None = None
        tls = f"TLSCertificateFile {certificate}\nTLSCertificateKeyFile {certificate}" if certificate else ""
        names = {"base": BASE, "reader": READER, "password": PASSWORD}
        config = CONFIG.format(root=fetch.DIRECTORY_ROOT, folder=self.folder, tls=tls, **names)
        (self.folder / "slapd.conf").write_text(config)
        self.add(HEAD)

    @property
    def url(self) -> str:
        return f"{'ldaps' if self._is_tls else 'ldap'}://127.0.0.1:{self.port}"

    def add(self, entries: str) -> None:
        """Put entries in, while it does not run."""
        assert self._process is None
        self._fill(entries.encode())

    def person(self, address: str, *, unit: str = "riverside", does: str = "Physician", more: str = "") -> None:
        """Somebody who works there."""
        uid = address.partition("@")[0]
        entry = PERSON.format(uid=uid, unit=unit, base=BASE, name=f"Dr {uid.title()}", address=address, does=does)
        self.add(entry + more)

    def start(self) -> None:
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [*self._command(), "-h", self.url, "-d", "0"],
                env=fetch.environment(fetch.DIRECTORY_ROOT),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        wait_until_listening(self._process, self.port)

    def kill(self) -> None:
        """It is gone at once."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _command(self) -> list[str]:
        return [str(fetch.DIRECTORY_ROOT / "usr/sbin/slapd"), "-f", str(self.folder / "slapd.conf")]

    def _fill(self, entries: bytes) -> None:
        program, *words = self._command()
        environment = fetch.environment(fetch.DIRECTORY_ROOT)
        command = [program, "-T", "add", "-q", *words]
        done = subprocess.run(command, env=environment, input=entries, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
