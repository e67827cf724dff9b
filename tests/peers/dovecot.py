"""A private Dovecot: unpacked, not installed; its own view of /usr, everything else in one folder, loopback only."""

import imaplib
import os
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path

from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.postfix import AS_ROOT
from tests.peers.process import end, wait_until_listening

USER, PASSWORD = "bot", "open sesame"
NOBODY = 65534
CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
default_internal_user = root
default_internal_group = root
default_login_user = nobody
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
  args = uid={nobody} gid={nobody} home={folder}/home
}}
{more}
"""
# Dovecot's programs look for each other at fixed places below /usr: they are laid over it, for them alone.
OVERLAY = 'mount -t overlay overlay -o lowerdir="$0/usr:/usr" /usr && exec /usr/sbin/dovecot -F -c "$1"'


class Dovecot:
    """One mailbox, on one port, whether it runs or not; `more` are settings that come last."""

    def __init__(self, more: str = "", *, encrypted: bool = False) -> None:
        # Not in pytest's folder: that is closed to the mailbox's user, and too long for the path of a UNIX socket.
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.port = reserve(self)
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("mail", "home"):
            (self.folder / name).mkdir()
            if os.geteuid() == 0:
                shutil.chown(self.folder / name, NOBODY, NOBODY)
        (self.folder / "users").write_text(f"{USER}:{{plain}}{PASSWORD}\n")
        ports = {"plain": 0, "encrypted": self.port} if encrypted else {"plain": self.port, "encrypted": 0}
        config = CONFIG.format(folder=self.folder, nobody=NOBODY, more=more, **ports)
        (self.folder / "dovecot.conf").write_text(config)

    def start(self) -> None:
        config = str(self.folder / "dovecot.conf")
        command = [*AS_ROOT, "unshare", "--mount", "sh", "-c", OVERLAY, str(fetch.ROOT), config]
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        wait_until_listening(self._process, self.port)

    def close(self) -> None:
        if self._process:
            end(self._process)
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
