"""Words that hurt, covered until a moderator wants to read them: by pointing, by focus, by a tap.

What is covered is a box to tick with its words behind it, so that it works without a script, by
keyboard, and for those who listen: they hear that a word is covered, and tick the box to hear it.
"""

import html
import re
from collections.abc import Collection
from functools import cache
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from forum import habits, marking, markup
from forum.marking import Span
from moderation import wordlist
from moderation.policy import Means
from moderation.wordlist import Entry, Matcher

BEFORE = (
    '<label class="cover"><input type="checkbox" autocomplete="off"'
    ' aria-label="Covered: tick to read"><span>'
)
AFTER = "</span></label>"

# Swear words and slurs, beside the site's own list and what the classifier marked.
_KNOWN = """
arse arsehole ass asses asshole assholes bastard bastards beaner bitch bitches bitching blowjob
bollocks bullshit chink chinks cock cocks cocksucker coon coons crap cum cunt cunts darkie darkies
dick dickhead dickheads dicks dumbass dyke dykes fag faggot faggots fags fuck fucked fucker fuckers
fuckin fucking fucks goatfucker gook gooks gypo gyppo honky jackass jap japs jigaboo jizz kaffir
kike kikes kys libtard libtards midget mongoloid motherfucker motherfuckers motherfucking muzzie
negro negroes nigga niggas nigger niggers paki pakis penis piss pissed poofter prick
pricks pussies pussy raghead ragheads redskin retard retarded retards
scum shemale shit shits shitty skank slut sluts slutty sodomite spastic spic spics subhuman
tits tosser towelhead towelheads trannies tranny turd twat twats vermin wank wanker wankers
wetback wetbacks whore whores wog wogs
abschaum arsch arschloch arschlöcher fick ficken ficker fotze fotzen hure huren hurensohn kanake
kanaken missgeburt mistgeburt mongo neger nutte nutten scheisse scheiße schlampe schlampen
schwuchtel schwuchteln spasti wichser zigeuner
connard connards connasse enculé enculés merde négro nique pédé putain pute putes salope salopes
cabrón cabrones coño joder maricón maricones mierda puta putas puto
cazzo coglione frocio merda negri puttana stronzo
кацап пидор пидорас сука хохол хуй чурка жид
شرموطة قحبة عاهرة
"""


@cache
def _known() -> Matcher:
    return Matcher(
        Entry(number, word, wordlist.as_compared(word), Means.HOLD)
        for number, word in enumerate(_KNOWN.split())
    )


# The site's list as it was read last: it may have thousands of entries.
_LISTED: WeakKeyDictionary[Engine, Matcher] = WeakKeyDictionary()


class Cover:
    """Covers words that are known, listed, or marked in a text."""

    def __init__(self, *matchers: Matcher) -> None:
        self._matchers = matchers

    def html(self, rendered: str, marked: Collection[Span] = ()) -> str:
        """Return a comment's HTML with such words covered, and these slices of it."""
        spans = self._spans(markup.plain(rendered)) | set(marked)
        return marking.wrapped(rendered, list(spans), BEFORE, AFTER)

    def words(self, text: str, marked: Collection[str] = ()) -> str:
        """Return plain words as HTML with such words covered, and these wherever they stand."""
        spans = self._spans(text)
        for word in marked:
            spans |= {found.span() for found in re.finditer(re.escape(word), text, re.I) if word}
        result, reached = [], 0
        for start, end in marking.joined(spans):
            covered = html.escape(text[start:end], quote=False)
            result += [html.escape(text[reached:start], quote=False), BEFORE, covered, AFTER]
            reached = end
        return "".join([*result, html.escape(text[reached:], quote=False)])

    def _spans(self, text: str) -> set[Span]:
        return {span for matcher in self._matchers for span in matcher.spans(text)}


def for_(session: Session, account_id: int) -> Cover | None:
    """Return what covers words for a moderator; None for one who does not want that."""
    if not habits.of(session, account_id).covers:
        return None
    engine = session.get_bind().engine
    listed = _LISTED[engine] = wordlist.in_force(session, _LISTED.get(engine))
    return Cover(_known(), listed)
