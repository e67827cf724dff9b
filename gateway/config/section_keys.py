"""The table of the settings file that says where the keys are."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from gateway.config.section import Section


def _name(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9_.-]*[A-Za-z0-9_]", text):
        raise ValueError("is a name of letters, digits, _, - and dots; write that alone")
    return text


Name = Annotated[str, AfterValidator(_name)]


class KeysSection(Section):
    """The secrets that seal everything; losing them is losing the mail. They are in one place of these four."""

    several_lines: ClassVar[frozenset[str]] = frozenset({"command"})

    file: str = Field(default="gateway.keys", description="keep a copy of it apart from the database's backups")
    environment: Name = Field(
        default="", description="or a variable of the environment that holds the text of the key file"
    )
    credential: Name = Field(
        default="", description="or a credential that systemd loads (LoadCredentialEncrypted=), by its name"
    )
    command: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[], description="or a command that prints it, word by word, run without a shell; see docs/keys.md"
    )

    @model_validator(mode="after")
    def _is_in_one_place(self) -> "KeysSection":
        others = [one for one in (self.environment, self.credential, self.command) if one]
        if others and "file" not in self.model_fields_set:
            self.file = ""
        if len(others) + bool(self.file) != 1:
            raise ValueError("write exactly one of file, environment, credential and command")
        return self
