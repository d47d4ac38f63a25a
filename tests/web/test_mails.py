"""Mails: who gets them, what they say, and what becomes of them when the server is away."""

import re
import socketserver
import threading
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select

from forum import mail
from forum.accounts import Role
from forum.articles import ArticleText
from forum.mail import Sender
from forum.settings import read_settings
from moderation.tables import Notice
from tests.people import words

INSULT = "You stupid idiot, shut up."
TEA = "/threads/the-town-that-argues-about-tea"


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it gets; `answers` says what it makes of a recipient."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Talk)
        self.got: list[bytes] = []
        self.answers = "250 ok"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline():
            match line.split()[0].upper():
                case b"RCPT":
                    self.say(self.server.answers)
                case b"DATA":
                    self.say("354 go on")
                    text = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        text += part
                    self.server.got.append(text)
                    self.say("250 ok")
                case b"QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


@pytest.fixture
def server():
    server = MailServer()
    yield server
    server.close()


@pytest.fixture
def smtp(settings, server):
    """The site's settings, with this mail server."""
    return settings.model_copy(
        update={
            "mail_host": "127.0.0.1",
            "mail_port": server.server_address[1],
            "mail_tls": "none",
            "mail_sender": "comments@news.example",
        }
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mails"


@pytest.fixture
def written(settings, folder):
    """The site's settings, with mails that go into a folder."""
    return settings.model_copy(
        update={"mail_folder": str(folder), "mail_sender": "comments@news.example"}
    )


def mails(folder: Path):
    found = sorted(folder.glob("*.eml"), key=lambda file: int(file.stem.split("-")[1]))
    return [message_from_bytes(file.read_bytes(), policy=default) for file in found]


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def ann(site):
    """Somebody who gets mail."""
    ann = site.person("Ann")
    with site.database.writing() as session:
        account = mail.Viewer(ann.account_id, "Ann", "reader", must_change_password=False)
        mail.set_address(session, account, "ann@example.org")
        mail.confirm(session, mail.address_of(session, ann.account_id).token)
    return ann


def reject(ann, mona, work, clock, text=INSULT):
    ann.comments(text)
    work()
    mona.rejects(text)
    clock.turn(minutes=2)


def states(database):
    with database.reading() as session:
        return [
            (one.sent_at is not None, one.ready_at is not None)
            for one in session.scalars(select(Notice).where(Notice.kind == "decision"))
        ]


@pytest.mark.site(mail_folder="unused", mail_sender="comments@news.example")
def test_an_address_gets_mail_once_its_link_was_opened(site, mona, written, folder, work, clock):
    ann, sender = site.person("Ann"), Sender(site.database.writing, written)
    assert "We have sent a link" in words(ann.sends("/account/address", address="ann@x.org").text)
    sender.round()
    (first,) = mails(folder)
    assert first["To"] == "ann@x.org"
    reject(ann, mona, work, clock)
    sender.round()
    assert len(mails(folder)) == 1, "it is not confirmed yet"

    link = re.search(r"http://\S+(/addresses/\S+)", first.get_content())[1]
    stranger = site.person(role=None)
    assert "Shall we write to ann@x.org" in stranger.reads(link)
    assert "Your address is confirmed" in words(stranger.sends(link).text)
    reject(ann, mona, work, clock, "You fucking moron.")
    sender.round()

    told = mails(folder)[-1]
    assert told["Subject"] == "Your comment was not published: The town that argues about tea"
    assert told["From"] == "The Forum <comments@news.example>"
    text = told.get_content()
    for said in ("A moderator decided this.", "Harassment", "rule 2", "appeal", "opinions of the"):
        assert said in " ".join(text.split()), said
    assert INSULT not in text
    assert ann.opens(re.search(r"http://\S+(/notices/\d+)", text)[1]).status_code == 200


def test_a_mail_server_gets_each_mail_once(site, ann, mona, server, smtp, work, clock):
    reject(ann, mona, work, clock)
    for _ in range(3):
        Sender(site.database.writing, smtp).round()
        clock.turn(hours=2)
    assert len(server.got) == 1
    assert b"To: ann@example.org" in server.got[0]


def test_an_unreachable_server_delays_nothing_and_loses_nothing(
    site, ann, mona, server, smtp, work, clock
):
    port = server.server_address[1]
    server.close()
    sender = Sender(site.database.writing, smtp)
    reject(ann, mona, work, clock)
    for _ in range(30):
        sender.round()
        clock.turn(hours=2)
    assert "Your comment was not published" in ann.reads("/notices")
    assert states(site.database) == [(False, True)]

    back = MailServer(port)
    sender.round()
    back.close()

    assert len(back.got) == 1
    assert states(site.database) == [(True, False)]


@pytest.mark.parametrize(("answer", "tried_again"), [("451 later", True), ("550 nobody", False)])
def test_what_is_refused_for_now_is_tried_again_and_for_good_is_not(
    site, ann, mona, server, smtp, work, clock, answer, tried_again
):
    server.answers = answer
    sender = Sender(site.database.writing, smtp)
    reject(ann, mona, work, clock)
    sender.round()
    assert states(site.database) == [(False, tried_again)]
    server.answers = "250 ok"
    clock.turn(hours=2)
    sender.round()
    assert len(server.got) == tried_again


def test_what_a_dead_sender_held_is_taken_over(site, ann, mona, server, smtp, work, clock):
    reject(ann, mona, work, clock)
    with site.database.writing() as session:
        mail.outbox.lease(session, at_most=5, lasts=mail.LEASE)
    sender = Sender(site.database.writing, smtp)
    assert sender.round() == 0
    clock.turn(minutes=11)
    sender.round()
    assert len(server.got) == 1


def test_who_has_no_address_waits_for_no_mail(site, mona, server, smtp, work, clock):
    reject(site.person("Bob"), mona, work, clock)
    Sender(site.database.writing, smtp).round()
    assert server.got == []
    assert states(site.database) == [(False, False)]


def test_a_decision_taken_back_within_a_minute_sends_nothing(
    site, ann, mona, server, smtp, work, clock
):
    ann.comments(INSULT)
    work()
    answer = mona.rejects(INSULT)
    Sender(site.database.writing, smtp).round()
    mona.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])
    clock.turn(minutes=2)
    Sender(site.database.writing, smtp).round()
    assert server.got == []


def test_no_title_and_no_name_can_add_a_header(site, ann, mona, written, folder, work, clock):
    site.load(
        ArticleText("a/b.txt", "Tea\r\nBcc: all@example.org\n\nHello", "Life", "Words.", None)
    )
    ann.sends("/threads/tea-bcc-all-example-org-hello/comments", text=INSULT)
    work()
    mona.rejects(INSULT)
    clock.turn(minutes=2)
    Sender(site.database.writing, written).round()
    (told,) = mails(folder)
    assert told["Bcc"] is None
    assert "Bcc: all@example.org" in told["Subject"]
    composed = mail.compose(
        written.model_copy(update={"site_name": "News\nBcc: x@example.org"}),
        "ann@example.org",
        "Hello\r\n\r\nBody",
        ["Words."],
    )
    assert set(composed.keys()) >= {"From", "To", "Subject"}
    assert "Bcc" not in composed


@pytest.mark.site(mail_folder="unused", mail_sender="comments@news.example")
@pytest.mark.parametrize(
    "typed",
    [
        "nobody",
        "a@b",
        "a b@example.org",
        "ann@example.org, bob@example.org",
        "Ann <ann@example.org>",
        "ann@example.org\r\nBcc: bob@example.org",
        "ann@example.org\nBcc:bob@example.org",
        "x" * 65 + "@example.org",
        "ann..b@example.org",
        ".ann@example.org",
    ],
)
def test_what_is_no_address_is_refused(site, typed):
    answer = site.person("Ann").sends("/account/address", address=typed)
    assert answer.status_code == 422
    assert "no mail address" in words(answer.text)


@pytest.mark.site(mail_folder="unused", mail_sender="comments@news.example")
def test_nobody_can_have_mails_sent_to_many_addresses(site):
    ann = site.person("Ann")
    answers = [
        ann.sends("/account/address", address=f"a{number}@example.org").status_code
        for number in range(6)
    ]
    assert answers == [200] * 5 + [429]


def test_an_address_can_be_taken_away(site, ann):
    ann.sends("/account/address", address="")
    with site.database.reading() as session:
        assert mail.address_of(session, ann.account_id) is None


def test_a_site_without_a_mail_server_asks_for_no_address(site):
    bob = site.person("Bob")
    assert "E-mail" not in bob.reads("/account")
    assert bob.sends("/account/address", address="bob@example.org").status_code == 422


def test_a_link_that_nobody_sent_opens_nothing(site):
    stranger = site.person(role=None)
    assert stranger.opens("/addresses/abc").status_code == 404
    assert stranger.sends("/addresses/abc").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {"mail_host": "mail.example"},
        {"mail_folder": "mails", "mail_sender": "nobody"},
        {"mail_tls": "perhaps"},
    ],
)
def test_settings_that_cannot_work_are_named(given):
    with pytest.raises(Exception, match="FORUM_MAIL_"):
        read_settings(_env_file=None, **given)


def test_a_sanction_and_its_lifting_are_told_by_mail(site, ann, written, folder, clock):
    admin, sender = site.person("Root", Role.ADMIN), Sender(site.database.writing, written)
    admin.sends(f"/review/authors/{ann.account_id}", kind="ban", words="Enough.", days="7")
    assert sender.round() and not mails(folder)[1:], "it waits a minute, as decisions do"
    clock.turn(minutes=2)
    sender.round()
    clock.turn(hours=1)
    admin.sends("/review/sanctions/1/lift", account=str(ann.account_id), words="We were wrong.")
    clock.turn(minutes=2)
    sender.round()

    ban, lifted = mails(folder)[-2:]

    assert ban["Subject"].startswith("Your account is banned: ")
    said = " ".join(ban.get_content().split())
    assert "Dear Ann," in said and "The reason, in the moderator's words: Enough." in said
    assert "This holds until 29 November 2026, 12:00 UTC." in said
    assert "/account/standing" in said and "Root" not in said
    assert lifted["Subject"].startswith("The ban is lifted: ")
    assert "We were wrong." in lifted.get_content()
