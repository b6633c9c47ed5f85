"""Reading the environment: values by name, and everything that is missing or malformed at once."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path


class Reader:
    """Reads values by name and collects what is missing, so that all of it is named at once."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.problems: list[str] = []
        self.files: dict[str, Path] = {}

    def text(self, name: str) -> str:
        """The value, which is needed."""
        value = self._given.get(name, "").strip()
        if not value:
            self.problems.append(f"{name} is missing")
        return value

    def optional(self, name: str, default: str) -> str:
        """The value, or the default where there is none."""
        return self._given.get(name, "").strip() or default

    def number(self, name: str, default: int, *, highest: int) -> int:
        """A whole number from 0 to `highest`."""
        value = self.optional(name, str(default))
        if re.fullmatch("[0-9]{1,9}", value) and int(value) <= highest:
            return int(value)
        self.problems.append(f"{name} is a whole number from 0 to {highest}")
        return default

    def path(self, name: str, *, must_exist: bool = True) -> Path:
        """The path of a file that is needed."""
        value = self.text(name)
        path = self.files[name] = Path(value)
        if value and must_exist and not _is_readable(path):
            # The value is not shown: somebody may have put the key itself here.
            self.problems.append(f"{name} names no readable file")
        return path

    def file(self, name: str) -> bytes:
        """What the file holds; empty when it cannot be read."""
        path = self.path(name)
        return path.read_bytes() if _is_readable(path) else b""

    def key(self, name: str) -> bytes:
        """32 bytes."""
        value = self.text(name)
        return self._decoded(name, value) if value else b""

    def keys(self, name: str) -> dict[int, bytes]:
        """Key id (1-255) to 32 bytes, from `id:base64[,id:base64]`."""
        value, found = self.text(name), dict[int, bytes]()
        for position, item in enumerate(value.split(",") if value else [], start=1):
            key_id, _, encoded = item.strip().partition(":")
            if not re.fullmatch("[0-9]{1,3}", key_id) or not 1 <= int(key_id) <= 255:
                self.problems.append(f"{name} item {position} is not `id:base64` with id 1-255")
            elif int(key_id) in found:
                self.problems.append(f"{name} names key {int(key_id)} twice")
            else:
                found[int(key_id)] = self._decoded(f"{name} key {int(key_id)}", encoded)
        return found

    def _decoded(self, name: str, encoded: str) -> bytes:
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32:
            self.problems.append(f"{name} must be 32 bytes in base64")
            return b""
        return raw


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK) and path.is_file()
