"""A private Dovecot: unpacked, not installed; everything of its own in one folder, loopback only."""

import grp
import imaplib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import weakref
from pathlib import Path

from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.process import end, wait_until_listening

USER, PASSWORD = "bot", "open sesame"
CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
libexec_dir = {root}/usr/lib/dovecot
mail_plugin_dir = {root}/usr/lib/dovecot/modules
login_plugin_dir = {root}/usr/lib/dovecot/modules/login
import_environment = LD_LIBRARY_PATH
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
default_internal_user = {own.pw_name}
default_internal_group = {group}
default_login_user = {other.pw_name}
mail_location = maildir:{folder}/mail
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {encrypted}
    ssl = yes
  }}
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=plain {folder}/users
}}
userdb {{
  driver = static
  args = uid={other.pw_uid} gid={other.pw_gid} home={folder}/home
}}
{more}
"""
BUILT_IN = b"/usr/lib/dovecot/modules\0"
"""Where Dovecot looks for TLS: the one place that is no setting."""


class Dovecot:
    """One mailbox, on one port, whether it runs or not; `more` are settings that come last."""

    def __init__(self, more: str = "", *, encrypted: bool = False) -> None:
        # Not in pytest's folder: that is closed to the mailbox's user, and too long for sockets and for BUILT_IN.
        self.folder = Path(tempfile.mkdtemp(prefix="imap-", dir="/tmp"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.port = reserve(self)
        self._process: subprocess.Popen[bytes] | None = None
        # Started by root, Dovecot insists on being several users; otherwise it can be one alone.
        own = pwd.getpwuid(os.geteuid())
        other = pwd.getpwnam("nobody") if own.pw_uid == 0 else own
        for name in ("mail", "home"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, other.pw_uid, other.pw_gid)
        (self.folder / "users").write_text(f"{USER}:{{plain}}{PASSWORD}\n")
        ports = {"plain": 0, "encrypted": self.port} if encrypted else {"plain": self.port, "encrypted": 0}
        users = {"own": own, "group": grp.getgrgid(own.pw_gid).gr_name, "other": other}
        config = CONFIG.format(folder=self.folder, root=fetch.ROOT, more=more, **users, **ports)
        (self.folder / "dovecot.conf").write_text(config)
        self._relocate()

    def start(self) -> None:
        config = str(self.folder / "dovecot.conf")
        libraries = f"{self.folder}/lib:{fetch.environment()['LD_LIBRARY_PATH']}"
        # doveconf hands the settings on: by itself dovecot would look for doveconf at its place below /usr.
        doveconf, dovecot = str(fetch.ROOT / "usr/bin/doveconf"), str(fetch.program("dovecot"))
        command = [doveconf, "-c", config, "-m", "master", "-e", dovecot, "-F", "-c", config]
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                command,
                env=fetch.environment() | {"LD_LIBRARY_PATH": libraries},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        wait_until_listening(self._process, self.port)

    def stop(self) -> None:
        """End it as an administrator does, which says goodbye to its clients and takes a second."""
        if self._process:
            end(self._process)
        self._process = None

    def close(self) -> None:
        """End it at once, with all its programs."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def client(self) -> imaplib.IMAP4:
        """Somebody who looks into the mailbox, or puts mail there."""
        client = imaplib.IMAP4("127.0.0.1", self.port)
        client.login(USER, PASSWORD)
        client.select("INBOX")
        return client

    def put(self, octets: bytes) -> None:
        """A mail arrives."""
        client = self.client()
        client.append("INBOX", None, None, octets)
        client.logout()

    def unseen(self, folder: str = "INBOX") -> int:
        client = self.client()
        client.select(folder)
        found = client.uid("search", "UNSEEN")[1][0].split()
        client.logout()
        return len(found)

    def flagged(self) -> int:
        client = self.client()
        found = client.uid("search", "FLAGGED")[1][0].split()
        client.logout()
        return len(found)

    def count(self, folder: str) -> int:
        client = self.client()
        status, data = client.select(folder)
        client.logout()
        return int(data[0] or 0) if status == "OK" else 0

    def forget(self) -> None:
        """While it is down: every mail is as new, under another UIDVALIDITY."""
        for file in (self.folder / "mail").glob("dovecot*"):
            file.unlink()
        for file in (self.folder / "mail/cur").iterdir():
            file.rename(self.folder / "mail/new" / file.name.partition(":")[0])

    def _relocate(self) -> None:
        """A library of our own, which looks for TLS where it was unpacked: a path no longer than the built-in one."""
        modules = self.folder / "m"
        modules.symlink_to(fetch.ROOT / "usr/lib/dovecot/modules")
        library = (fetch.ROOT / "usr/lib/dovecot/libdovecot.so.0").read_bytes()
        assert library.count(BUILT_IN) == 1
        assert len(bytes(modules)) < len(BUILT_IN)
        (self.folder / "lib").mkdir()
        place = bytes(modules).ljust(len(BUILT_IN), b"\0")
        (self.folder / "lib/libdovecot.so.0").write_bytes(library.replace(BUILT_IN, place))
