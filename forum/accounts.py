"""Accounts, roles, passwords, and who is signed in."""

import base64
import hashlib
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import ARGON2_VERSION
from sqlalchemy import BindParameter, bindparam, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from forum.errors import Invalid, NotAllowed, NotFound
from forum.tables import Account as Account
from forum.tables import Article, Comment, Login, Sanction
from moderation.statements import Prepared
from moderation.tables import Notice, time_of


class Role(StrEnum):
    """What an account may do; each may do all that the one before it may."""

    GUEST = "guest"
    READER = "reader"
    MODERATOR = "moderator"
    ADMIN = "admin"

    def allows(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


LOGIN_LASTS = timedelta(days=30)
NAME_LENGTH = 40
PASSWORD_LENGTH = (10, 256)

# A quarter of a second on one core: call hash_password and verify outside a transaction.
_hasher = PasswordHasher()


def _of_nobody() -> str:
    """A hash that takes as long to verify as any, and that nothing opens: it is of no password."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (_hasher.salt_len, _hasher.hash_len)
    )
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


# Verified when there is no such account, so that the time taken does not tell.
_NOBODY = _of_nobody()

# Letters that look like plain Latin ones; enough that nobody can pose as "admin".
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁԛԝһӏвкмнтгαονρτυικβηχγμωεıɩɪȷɑɡǀłøđħŧ",
    "aeopcyxijsdqwhlbkmhtraovptuikbnxyuweiiijagllodht",
)
# Letters by their class, and nothing to see.
_BLANK = "\u115f\u1160"


def name_key(name: str) -> str:
    """Return a name as it is compared: names that look alike share it."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_LOOKALIKES)
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if c.isalnum())
    # 0 for o and 1 for l or i are the cheapest disguises.
    return bare.translate(str.maketrans("01i", "oll"))


def check_name(name: str) -> str:
    """Return the name, tidied. Raises Invalid with what to change."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 2 <= len(name) <= NAME_LENGTH:
        raise Invalid(f"A name has 2 to {NAME_LENGTH} characters.", field="name")
    if not any(c.isalnum() for c in name) or not all(
        (c.isalnum() and c not in _BLANK) or c in " .'’-_" or unicodedata.category(c)[0] == "M"
        for c in name
    ):
        raise Invalid(
            "A name has letters, digits, spaces, full stops, hyphens and apostrophes.",
            field="name",
        )
    if len(_scripts(name)) > 1:
        raise Invalid("Please write your name in the letters of one script.", field="name")
    return name


def _scripts(name: str) -> set[str]:
    """Return the scripts of the letters; those that are written together count as one."""
    together = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK"}
    found = {unicodedata.name(c, "?").split()[0] for c in name if c.isalpha()}
    return {together.get(script, script) for script in found}


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password. Slow. Raises Invalid for a bad length."""
    shortest, longest = PASSWORD_LENGTH
    if len(password) < shortest:
        raise Invalid(
            f"Please take at least {shortest} characters. A few words in a row are easy to keep"
            " in mind.",
            field="password",
        )
    if len(password) > longest:
        raise Invalid(f"A password may have {longest} characters at most.", field="password")
    return _hasher.hash(password)


def credentials(session: Session, name: str) -> tuple[Account | None, str]:
    """Return the account of this name and the hash to `verify` with; there is always one.

    A name that nobody has gets a hash that nothing opens, so that the time taken does not tell.
    """
    account = session.scalar(
        select(Account).where(
            Account.name_key == name_key(name),
            Account.role != Role.GUEST,
            Account.closed_at.is_(None),
        )
    )
    return account, account.password_hash if account and account.password_hash else _NOBODY


def verify(password_hash: str, password: str) -> bool:
    """Whether this password made this hash. Slow, whatever the answer."""
    try:
        return _hasher.verify(password_hash, password[: PASSWORD_LENGTH[1]])
    except (Argon2Error, InvalidHashError):
        return False


def sign_up(session: Session, name: str, *, password_hash: str) -> Account:
    """Make a reader's account. Raises Invalid when the name is taken or cannot be used."""
    return _add(session, check_name(name), Role.READER, password_hash=password_hash)


def come_as_guest(session: Session, name: str) -> Account:
    """Make an account for a guest. Raises Invalid when somebody with an account has that name."""
    name = check_name(name)
    key = name_key(name)
    if session.scalar(
        select(Account.id).where(Account.name_key == key, Account.role != Role.GUEST)
    ):
        raise Invalid("This name belongs to an account here. Please take another.", field="name")
    return _add(session, name, Role.GUEST)


def create(
    session: Session, name: str, *, role: Role | str, password: str | None = None
) -> tuple[Account, str]:
    """Make an account of any role; without a password, one that lets in once is made.

    Returns the account and the password. Raises Invalid.
    """
    given = password or new_password()
    account = _add(session, check_name(name), Role(role), password_hash=hash_password(given))
    account.must_change_password = password is None
    session.flush()
    return account, given


def new_one_time_password(session: Session, name: str) -> str:
    """Replace a lost password by one that lets in once, and end every login. Raises NotFound."""
    account = session.scalar(
        select(Account).where(Account.name_key == name_key(name), Account.role != Role.GUEST)
    )
    if account is None:
        raise NotFound(f"There is no account called '{name}'.")
    password = new_password()
    account.password_hash = hash_password(password)
    account.must_change_password = True
    session.execute(delete(Login).where(Login.account_id == account.id))
    session.flush()
    return password


def new_password() -> str:
    """Return a password of four groups, easy to read out and copy: about 77 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def change_password(session: Session, account_id: int, *, password_hash: str, keep: str) -> None:
    """Set a new password and end every other login than the one with the token `keep`."""
    account = session.get_one(Account, account_id)
    account.password_hash = password_hash
    account.must_change_password = False
    session.execute(
        delete(Login).where(Login.account_id == account_id, Login.token_hash != _hash(keep))
    )
    session.flush()


def _add(session: Session, name: str, role: Role, *, password_hash: str | None = None) -> Account:
    account = Account(
        name=name,
        name_key=name_key(name),
        role=role.value,
        password_hash=password_hash,
        must_change_password=False,
        created_at=time_of(session),
    )
    try:
        with session.begin_nested():
            session.add(account)
            session.flush()
    except IntegrityError:
        raise Invalid(
            "This name is taken, or looks like one that is. Please take another.", field="name"
        ) from None
    return account


def sign_in(session: Session, account_id: int) -> str:
    """Begin a login and return its token; only the token's hash is kept."""
    now = time_of(session)
    # The place to clear what has run out: it is rare and already writes.
    session.execute(delete(Login).where(Login.expires_at < now))
    token = secrets.token_urlsafe(32)
    session.add(
        Login(
            token_hash=_hash(token),
            account_id=account_id,
            created_at=now,
            expires_at=now + LOGIN_LASTS,
        )
    )
    session.flush()
    return token


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in: what every page and rule asks of an account."""

    id: int
    name: str
    role: str
    must_change_password: bool
    # The gravest sanction in force; empty for none.
    standing: str = ""
    # Whether something that they were told has not been read yet.
    unread: bool = False


def signed_in(session: Session, token: str) -> Viewer | None:
    """Return whose login has this token, unless it ran out or the account was closed."""
    rows = _SIGNED_IN(session, token=_hash(token), now=time_of(session))
    return Viewer(*rows[0]) if rows else None


_NOW: BindParameter[datetime] = bindparam("now")
_STANDING = (
    select(Sanction.kind)
    .where(Sanction.account_id == Account.id, Sanction.in_force_at(_NOW))
    .order_by(Sanction.gravity.desc())
    .limit(1)
    .correlate(Account)
    .scalar_subquery()
)
_SIGNED_IN = Prepared(
    select(
        Account.id,
        Account.name,
        Account.role,
        Account.must_change_password,
        func.coalesce(_STANDING, ""),
        exists(select(Notice.id).where(Notice.account == Account.id, Notice.read_at.is_(None))),
    )
    .join(Login, Login.account_id == Account.id)
    .where(
        Login.token_hash == bindparam("token"),
        Login.expires_at > _NOW,
        Account.closed_at.is_(None),
    )
)


def sign_out(session: Session, token: str) -> None:
    """End the login with this token."""
    session.execute(delete(Login).where(Login.token_hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def get(session: Session, account_id: int) -> Account:
    """Return an account. Raises NotFound."""
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    return account


def names(session: Session, ids: set[int]) -> dict[int, str]:
    """Return the names of these accounts."""
    return dict(session.execute(_NAMES, {"accounts": ids}).all()) if ids else {}


_NAMES = select(Account.id, Account.name).where(
    Account.id.in_(bindparam("accounts", expanding=True))
)


def listed(
    session: Session, *, looking_for: str = "", after: int = 0, at_most: int = 50
) -> list[Account]:
    """Return accounts by id, those after `after`; `looking_for` is part of a name.

    Guests may be many, so they are found by name only.
    """
    query = select(Account).where(Account.id > after)
    if looking_for:
        query = query.where(Account.name_key.contains(name_key(looking_for), autoescape=True))
    else:
        query = query.where(Account.role != Role.GUEST)
    return list(session.scalars(query.order_by(Account.id).limit(at_most)))


def change_role(session: Session, account_id: int, role: Role | str, *, by: int | None) -> Account:
    """Give an account another role. Raises NotAllowed when it would leave no admin, or oneself."""
    role = Role(role)
    account = get(session, account_id)
    _keep_an_admin(session, account, by, "role")
    if account.role == Role.GUEST or role is Role.GUEST:
        raise Invalid("A guest has no role to change.", field="role")
    account.role = role.value
    # The role stands beside the name in threads, so those change for readers.
    session.execute(
        update(Article)
        .where(Article.id.in_(select(Comment.article_id).where(Comment.author_id == account_id)))
        .values(changed_at=time_of(session))
    )
    session.flush()
    return account


def set_closed(session: Session, account_id: int, *, closed: bool, by: int) -> Account:
    """Close an account and end its logins at once, or open it again. Its comments stay."""
    account = get(session, account_id)
    if closed:
        _keep_an_admin(session, account, by, "account")
        session.execute(delete(Login).where(Login.account_id == account_id))
    account.closed_at = time_of(session) if closed else None
    session.flush()
    return account


def _keep_an_admin(session: Session, account: Account, by: int | None, what: str) -> None:
    if account.id == by:
        raise NotAllowed(f"You cannot change your own {what}. Please ask another admin.")
    if account.role == Role.ADMIN:
        # Locked, so that two admins who close each other at once do not both succeed.
        admins = session.scalars(
            select(Account.id)
            .where(Account.role == Role.ADMIN, Account.closed_at.is_(None))
            .order_by(Account.id)
            .with_for_update()
        ).all()
        if set(admins) <= {account.id}:
            raise NotAllowed("This is the last admin. Make another account an admin first.")


def has_admin(session: Session) -> bool:
    """Whether anybody could tune the site."""
    return (
        session.scalar(
            select(Account.id)
            .where(Account.role == Role.ADMIN, Account.closed_at.is_(None))
            .limit(1)
        )
        is not None
    )


def has_moderator_besides(session: Session, people: Collection[int | None]) -> bool:
    """Whether somebody else may decide cases."""
    query = select(Account.id).where(
        Account.role.in_([Role.MODERATOR, Role.ADMIN]),
        Account.closed_at.is_(None),
        Account.id.not_in([person for person in people if person is not None]),
    )
    return session.scalar(query.limit(1)) is not None
