"""Mails: the addresses they go to, what they say, and the sender that works beside the site."""

import secrets
import smtplib
import ssl
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from forum import disclaimer, notices
from forum.accounts import Viewer
from forum.errors import Invalid, NotFound
from forum.notices import OfAlarm, OfSanction, Told
from forum.sending import Sending
from forum.settings import Settings, is_address
from forum.tables import Account, Address
from moderation import notices as outbox
from moderation.notices import Leased
from moderation.tables import time_of

log = structlog.get_logger("forum.mail")

CONFIRM = "confirm"

AT_ONCE = 20
LEASE = timedelta(minutes=10)
# A server that answers is asked to wait for no longer, in seconds.
PATIENCE = 30.0
# A mail that the server refuses for now is tried for so long; servers that do not know us refuse
# the first try on purpose.
TRIED_FOR = timedelta(days=5)


class NotReachable(Exception):
    """The mail server is away, or does not let us in. The message says what it said."""


class NotTaken(Exception):
    """The mail server works, and refuses this mail: for now, or for good."""

    def __init__(self, message: str, *, for_good: bool) -> None:
        super().__init__(message)
        self.for_good = for_good


def address_of(session: Session, account_id: int) -> Address | None:
    """Return where an account gets mail, confirmed or not yet."""
    return session.get(Address, account_id)


def set_address(session: Session, account: Account | Viewer, typed: str) -> None:
    """Note where an account wants its mail, and send the link that confirms it. Raises Invalid.

    Empty takes the address away. Until the link is opened nothing else is sent there.
    """
    typed = typed.strip()
    known = session.get(Address, account.id)
    if not typed:
        if known is not None:
            session.delete(known)
        return
    if not is_address(typed):
        raise Invalid("This is no mail address. One looks like name@example.org.", field="address")
    if known is not None and known.address == typed and known.confirmed_at is not None:
        return
    if known is None:
        known = Address(account_id=account.id)
        session.add(known)
    known.address = typed
    known.token = secrets.token_urlsafe(32)
    known.asked_at = time_of(session)
    known.confirmed_at = None
    session.flush()
    notice = outbox.tell(session, account.id, kind=CONFIRM, pause=timedelta())
    # Nothing to read on the site: the page of the account says where the address stands.
    notice.read_at = time_of(session)
    session.flush()


def find(session: Session, token: str) -> Address:
    """Return the address whose link this is. Raises NotFound."""
    found = session.scalar(select(Address).where(Address.token == token))
    if found is None:
        raise NotFound("This link is not valid any more. You can ask for another on your page.")
    return found


def confirm(session: Session, token: str) -> Address:
    """Note that whoever reads the mails of an address opened its link. Raises NotFound."""
    found = find(session, token)
    if found.confirmed_at is None:
        found.confirmed_at = time_of(session)
        session.flush()
    return found


def compose(settings: Settings, to: str, subject: str, paragraphs: list[str]) -> EmailMessage:
    """Return a plain-text mail. Line breaks in what people wrote end no header."""
    message = EmailMessage(policy=_PLAIN)
    sender = settings.mail_sender
    message["From"] = MailAddress(_one_line(settings.site_name), addr_spec=sender)
    message["To"] = MailAddress(addr_spec=to)
    message["Subject"] = _one_line(subject)
    # No answer of a machine to a machine.
    message["Auto-Submitted"] = "auto-generated"
    lines = [
        textwrap.fill(" ".join(part.split()), 72, break_long_words=False, break_on_hyphens=False)
        for part in paragraphs
    ]
    message.set_content("\n\n".join(lines) + "\n", charset="utf-8")
    return message


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _about_a_decision(
    settings: Settings, told: Told, to: str, site_disclaimer: str
) -> EmailMessage:
    article = told.comment.article.title
    paragraphs = [
        f"Dear {told.comment.author.name},",
        f"{told.title}. You wrote it below the article “{article}”.",
        *told.sentences,
    ]
    if told.until is not None:
        until = told.until.astimezone(settings.zone)
        paragraphs.append(
            "On the page below you can change your comment and send it once more, or appeal:"
            " another person than the one who decided will then look at it. You can appeal until"
            f" {until.day} {until:%B %Y}."
        )
    paragraphs += [
        f"{settings.address}/notices/{told.notice.id}",
        *_ending(settings, site_disclaimer),
    ]
    return compose(settings, to, f"{told.title}: {article}", paragraphs)


def _about_a_sanction(
    settings: Settings, told: OfSanction, name: str, to: str, site_disclaimer: str
) -> EmailMessage:
    paragraphs = [
        f"Dear {name},",
        f"{told.title}.",
        *told.sentences,
        # Not the notice: one who is banned could not sign in to read it.
        f"{settings.address}/account/standing",
        *_ending(settings, site_disclaimer),
    ]
    return compose(settings, to, f"{told.title}: {settings.site_name}", paragraphs)


def _about_an_alarm(
    settings: Settings, told: OfAlarm, name: str, to: str, site_disclaimer: str
) -> EmailMessage:
    paragraphs = [
        f"Dear {name},",
        *told.sentences,
        f"{settings.address}/admin/alarms",
        *_ending(settings, site_disclaimer),
    ]
    return compose(settings, to, f"{told.title}: {settings.site_name}", paragraphs)


def _ending(settings: Settings, site_disclaimer: str) -> list[str]:
    return [
        settings.site_name,
        "You get this mail because you gave us this address. On your page you can take it away:",
        f"{settings.address}/account",
        site_disclaimer,
    ]


def _confirmation(settings: Settings, name: str, address: Address, said: str) -> EmailMessage:
    return compose(
        settings,
        address.address,
        f"Please confirm your address for {settings.site_name}",
        [
            f"Dear {name},",
            f"somebody, we hope you, wants {settings.site_name} to write to this address when"
            " something is decided on a comment. If that is right, please open this page and"
            " confirm it:",
            f"{settings.address}/addresses/{address.token}",
            "If it is not, you need do nothing: no further mail will come.",
            settings.site_name,
            said,
        ],
    )


# What every server takes: lines that are short and ASCII, whatever is in them.
_PLAIN = SMTP.clone(cte_type="7bit")

Post = Callable[[EmailMessage], None]


@contextmanager
def posting(settings: Settings) -> Iterator[Post]:
    """Open the way that mails go: a mail server, or the folder of the development mode.

    Raises NotReachable; the function that it gives raises NotTaken or NotReachable.
    """
    if settings.mail_folder:
        folder = Path(settings.mail_folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise NotReachable(f"The folder cannot be made: {problem.strerror}") from problem
        yield lambda message: _write(folder, message)
        return
    try:
        server = _connect(settings)
    except (OSError, smtplib.SMTPException) as problem:
        raise NotReachable(_said(problem)) from problem
    try:
        yield lambda message: _send(server, message)
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _write(folder: Path, message: EmailMessage) -> None:
    name = str(message["Message-ID"]).strip("<>").partition("@")[0]
    try:
        (folder / f"{name}.eml").write_bytes(message.as_bytes())
    except OSError as problem:
        raise NotReachable(f"The mail cannot be written: {problem.strerror}") from problem


def _connect(settings: Settings) -> smtplib.SMTP:
    secure = ssl.create_default_context()
    host, port = settings.mail_host, settings.mail_port
    if settings.mail_tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=secure)
    else:
        server = smtplib.SMTP(host, port, timeout=PATIENCE)
    try:
        if settings.mail_tls == "starttls":
            server.starttls(context=secure)
        if settings.mail_user:
            server.login(settings.mail_user, settings.mail_password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except (
        smtplib.SMTPRecipientsRefused,
        smtplib.SMTPSenderRefused,
        smtplib.SMTPDataError,
        smtplib.SMTPNotSupportedError,
    ) as problem:
        raise NotTaken(_said(problem), for_good=_code(problem) >= 500) from problem
    except (OSError, smtplib.SMTPException) as problem:
        raise NotReachable(_said(problem)) from problem


def _code(problem: Exception) -> int:
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in problem.recipients.values()), default=0)
    # What a server cannot do today it cannot do tomorrow.
    return int(getattr(problem, "smtp_code", 500))


def _said(problem: Exception) -> str:
    """What went wrong, without the address: it goes into logs."""
    known = isinstance(problem, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException)
    return type(problem).__name__ + (f" {_code(problem)}" if known else "")


class Sender(Sending):
    """Sends the mails of notices.

    An unreachable server is tried again for as long as it takes, with growing pauses. A mail that
    it refuses for good, or for five days, is sent no more; its notice stays on the site.
    """

    @property
    def wanted(self) -> bool:
        return self._settings.mails

    def round(self) -> int:
        """Send one batch; return how many notices it dealt with, whatever came of it."""
        with self._transaction() as session:
            leased = outbox.lease(session, at_most=AT_ONCE, lasts=LEASE)
            mails = self._written(session, leased) if leased else []
        if mails:
            # No transaction is open while the server is spoken to.
            self._post(mails)
        return len(leased)

    def _written(self, session: Session, leased: list[Leased]) -> list[tuple[Leased, EmailMessage]]:
        """Compose the mails of these notices; one that has nowhere to go is left."""
        accounts = {each.account for each in leased}
        addresses = {
            found.account_id: found
            for found in session.scalars(select(Address).where(Address.account_id.in_(accounts)))
        }
        names: dict[int, str] = dict(
            session.execute(select(Account.id, Account.name).where(Account.id.in_(addresses))).all()
        )
        told = notices.by_id(session, [each.id for each in leased])
        said = disclaimer.of_site(session).text.replace("`", "")
        mails = []
        for each in leased:
            address = addresses.get(each.account)
            if address is None or not _wants(address, each):
                outbox.leave(session, each)
                continue
            try:
                mail = self._compose(each, address, names[each.account], told.get(each.id), said)
            # One that cannot be written must not hold up the others.
            except Exception as problem:
                log.exception("mail_not_written", notice=each.id)
                outbox.give_back(session, each, type(problem).__name__)
                continue
            mails.append((each, mail))
        return mails

    def _compose(
        self,
        each: Leased,
        address: Address,
        name: str,
        told: Told | OfSanction | OfAlarm | None,
        said: str,
    ) -> EmailMessage:
        if told is None:
            mail = _confirmation(self._settings, name, address, said)
        elif isinstance(told, OfAlarm):
            mail = _about_an_alarm(self._settings, told, name, address.address, said)
        elif isinstance(told, OfSanction):
            mail = _about_a_sanction(self._settings, told, name, address.address, said)
        else:
            mail = _about_a_decision(self._settings, told, address.address, said)
        mail["Date"] = each.at
        # The same at every try, so that a mail that did arrive is known again.
        domain = self._settings.mail_sender.partition("@")[2]
        mail["Message-ID"] = f"<notice-{each.id}@{domain}>"
        return mail

    def _post(self, mails: list[tuple[Leased, EmailMessage]]) -> None:
        left = list(mails)
        tried = False
        try:
            with posting(self._settings) as post:
                while left and not self._stopping.is_set():
                    tried = True
                    self._post_one(post, *left[0])
                    left.pop(0)
        except NotReachable as problem:
            log.warning("mail_server_unreachable", problem=str(problem), waiting=len(left))
            with self._transaction() as session:
                # One that breaks the connection must not hold up those behind it.
                for each, _ in left[:1] if tried else left:
                    outbox.give_back(session, each, str(problem))
            left = left[1:] if tried else []
        with self._transaction() as session:
            for each, _ in left:
                outbox.release(session, each)

    def _post_one(self, post: Post, each: Leased, mail: EmailMessage) -> None:
        refused: NotTaken | None = None
        try:
            post(mail)
        except NotTaken as problem:
            refused = problem
            log.warning("mail_refused", notice=each.id, problem=str(problem))
        # By itself, so that whatever happens to the next one this is not sent twice.
        with self._transaction() as session:
            if refused is None:
                outbox.sent(session, each)
            elif refused.for_good or each.at + TRIED_FOR < time_of(session):
                outbox.leave(session, each, str(refused))
            else:
                outbox.give_back(session, each, str(refused))


def _wants(address: Address, each: Leased) -> bool:
    """Whether a notice goes to an address: what came before it was confirmed does not."""
    if each.kind == CONFIRM:
        return address.confirmed_at is None
    return address.confirmed_at is not None and address.confirmed_at <= each.at
