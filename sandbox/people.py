"""The people who hold a phone, the single-use codes it hands out and the checks of a face."""

import base64
import hashlib
import secrets
import sqlite3
from dataclasses import dataclass

CODE_LIFE_S = 300
FACE_LIFE_S = 3600

FACE_PASSED = 10000
FACE_NUMBER_MISMATCH = 10003
FACE_MISMATCH = 10004
# WeChat's code for a check that the user never brought to its end.
FACE_NOT_FINISHED = 90107


@dataclass(frozen=True)
class User:
    """A WeChat user; `name` and `id_number` are who the person holding the phone really is."""

    user_id: str
    openid: str
    name: str
    id_number: str
    phone: str


@dataclass(frozen=True)
class FaceSession:
    """A face check that the backend opened; `verify_ret` is None until the phone has done it."""

    verify_id: str
    out_seq_no: str
    openid: str
    cert_type: str
    cert_name: str
    cert_no: str
    until_s: int
    verify_ret: int | None


class CodeInvalid(Exception):
    """No such code of that kind, or older than five minutes."""


class CodeUsed(Exception):
    """The code was good once; it has been redeemed."""


class SequenceUsed(Exception):
    """The merchant's sequence number already opened a face session."""


def add_user(db: sqlite3.Connection, *, name: str, id_number: str, phone: str) -> User:
    """A new user with a fresh openid is in the books and returned."""
    user = User(
        user_id="u_" + secrets.token_hex(8),
        openid="o" + secrets.token_urlsafe(24)[:27],
        name=name,
        id_number=id_number,
        phone=phone,
    )
    db.execute(
        "INSERT INTO user VALUES (?, ?, ?, ?, ?)",
        (user.user_id, user.openid, name, id_number, phone),
    )
    return user


def change_user(
    db: sqlite3.Connection, *, user_id: str, name: str, id_number: str, phone: str
) -> None:
    """The user has that name, number and phone; the openid never changes."""
    db.execute(
        "UPDATE user SET name = ?, id_number = ?, phone = ? WHERE user_id = ?",
        (name, id_number, phone, user_id),
    )


def user_by_id(db: sqlite3.Connection, user_id: str) -> User | None:
    """The user is returned, or None."""
    row = db.execute("SELECT * FROM user WHERE user_id = ?", (user_id,)).fetchone()
    return User(**row) if row else None


def user_by_openid(db: sqlite3.Connection, openid: object) -> User | None:
    """The user is returned, or None."""
    if not isinstance(openid, str):
        return None
    row = db.execute("SELECT * FROM user WHERE openid = ?", (openid,)).fetchone()
    return User(**row) if row else None


def issue_code(db: sqlite3.Connection, *, kind: str, openid: str, at_s: int) -> str:
    """A fresh code of `kind` ("login" or "phone") is in the books and returned."""
    code = secrets.token_urlsafe(24)
    db.execute(
        "INSERT INTO code (code, kind, openid, until_s) VALUES (?, ?, ?, ?)",
        (code, kind, openid, at_s + CODE_LIFE_S),
    )
    return code


def redeem_code(db: sqlite3.Connection, *, kind: str, code: object, at_s: int) -> User:
    """The code is used up and its user returned. Raises CodeInvalid or CodeUsed."""
    row = None
    if isinstance(code, str):
        row = db.execute(
            "SELECT * FROM code JOIN user USING (openid) WHERE code = ? AND kind = ?", (code, kind)
        ).fetchone()
    if row is None or row["until_s"] <= at_s:
        raise CodeInvalid
    if row["is_used"]:
        raise CodeUsed
    db.execute("UPDATE code SET is_used = 1 WHERE code = ?", (code,))
    return User(row["user_id"], row["openid"], row["name"], row["id_number"], row["phone"])


def cert_hash(*, cert_type: str, cert_name: str, cert_no: str) -> str:
    """WeChat's digest of a name and number is returned, 64 hex digits."""
    parts = {"cert_type": cert_type, "cert_name": cert_name, "cert_no": cert_no}
    text = "&".join(f"{k}={base64.b64encode(v.encode()).decode()}" for k, v in parts.items())
    return hashlib.sha256(text.encode()).hexdigest()


def open_face_session(
    db: sqlite3.Connection, *, out_seq_no: str, openid: str, cert: dict[str, str], at_s: int
) -> str:
    """A face session for that openid and certificate waits for the phone; its id is returned.

    Raises SequenceUsed when `out_seq_no` has opened one before.
    """
    verify_id = secrets.token_urlsafe(48)
    try:
        db.execute(
            "INSERT INTO face VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (verify_id, out_seq_no, openid, cert["cert_type"], cert["cert_name"], cert["cert_no"],
             at_s + FACE_LIFE_S),
        )  # fmt: skip
    except sqlite3.IntegrityError:
        raise SequenceUsed from None
    return verify_id


def face_session(db: sqlite3.Connection, verify_id: object) -> FaceSession | None:
    """The session is returned, or None."""
    if not isinstance(verify_id, str):
        return None
    row = db.execute("SELECT * FROM face WHERE verify_id = ?", (verify_id,)).fetchone()
    return FaceSession(**row) if row else None


def finish_face_session(
    db: sqlite3.Connection, *, session: FaceSession, user: User, wanted_ret: int
) -> int:
    """The session is finished and its result returned.

    It is `wanted_ret`, except that nobody passes with another person's name or number.
    """
    result = wanted_ret
    if wanted_ret == FACE_PASSED and user.id_number != session.cert_no:
        result = FACE_MISMATCH
    elif wanted_ret == FACE_PASSED and user.name != session.cert_name:
        result = FACE_NUMBER_MISMATCH
    db.execute("UPDATE face SET verify_ret = ? WHERE verify_id = ?", (result, session.verify_id))
    return result
