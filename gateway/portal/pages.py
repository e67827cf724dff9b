"""What the portal needs of whoever makes its pages."""

from collections.abc import Mapping
from typing import Any, Protocol


class Pages(Protocol):
    """Page templates to HTML; everything that they are given is escaped."""

    def page(self, name: str, language: str, facts: Mapping[str, Any]) -> str:
        """Render `templates/portal/<name>.html`; the template knows the language as `lang`."""
        ...
