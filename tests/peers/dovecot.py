"""A private Dovecot: unpacked, not installed; everything of its own in one folder, loopback only."""

import imaplib
import os
import shutil
import subprocess
import tempfile

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
