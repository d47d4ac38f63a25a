"""Sentences of our own making: what the labelled sets hold too little of, in pairs that differ in
what is said and not in whom it is said of.

Every family has its opposite: the same groups, the same openings, the other label. So neither a
group's name nor a turn of phrase tells toxic from harmless, only what is said.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from moderation.training.examples import LABELS, Example


class Group(NamedTuple):
    """How a group of people is named: several of them, one of them, and as an adjective."""

    many: str
    one: str
    kind: str


def _noun(kind: str, one: str | None = None, many: str | None = None) -> Group:
    return Group(
        many or f"{kind}s", one or f"{'an' if kind[0] in 'AEIOUaeio' else 'a'} {kind}", kind
    )


def _people(kind: str, noun: str = "person") -> Group:
    article = "an" if kind[0] in "AEIOUaeio" else "a"
    return Group(f"{kind} people", f"{article} {kind} {noun}", kind)


# Who is spoken of, harmlessly and hatefully alike. Groups that are often attacked and groups that
# seldom are: the first must not become a sign of toxicity, nor the second a sign of its absence.
GROUPS: tuple[Group, ...] = (
    Group("women", "a woman", "female"), Group("men", "a man", "male"),
    Group("black women", "a black woman", "black"), Group("black men", "a black man", "black"),
    Group("white women", "a white woman", "white"), Group("white men", "a white man", "white"),
    _people("black"), _people("white"), _people("brown"), _people("Asian"), _noun("Asian"),
    _noun("African"), _noun("Mexican"), _noun("Arab"), _noun("Indian"), _noun("Pakistani"),
    _noun("Syrian"), _noun("Nigerian"), _noun("American"), _noun("German"), _noun("Russian"),
    _noun("Italian"), _noun("Turk"), _noun("European"), _noun("Canadian"),
    Group("the Chinese", "a Chinese person", "Chinese"),
    Group("the Irish", "an Irish man", "Irish"), Group("the French", "a French woman", "French"),
    Group("the Poles", "a Pole", "Polish"), Group("the Japanese", "a Japanese man", "Japanese"),
    _noun("Somali"), _noun("Latino"), _noun("Hispanic"), _people("Native American"),
    _people("Roma"), _noun("Kurd"), _noun("Muslim"), _noun("Jew", many="Jews"), _people("Jewish"),
    _noun("Christian"), _noun("Catholic"), _noun("Hindu"), _noun("Sikh"), _noun("Buddhist"),
    _noun("atheist"), _noun("Mormon"), _noun("Protestant"), _people("religious"),
    _people("Muslim", "woman"), _people("gay"), Group("gay men", "a gay man", "gay"),
    Group("gays", "a gay guy", "gay"), _noun("lesbian"), _people("bisexual"),
    _people("transgender"), _people("trans"), Group("trans women", "a trans woman", "trans"),
    Group("trans men", "a trans man", "trans"), _people("queer"), _people("straight"),
    _people("heterosexual"), _people("nonbinary"), _people("disabled"), _people("blind"),
    _people("deaf"), _people("autistic"),
    Group("people with Down syndrome", "a man with Down syndrome", "disabled"),
    Group("wheelchair users", "a wheelchair user", "disabled"),
    Group("people with depression", "a person with depression", "mentally ill"),
    _people("mentally ill"), _people("old"), _people("elderly"), _people("young"),
    _noun("teenager"), _noun("pensioner"), _noun("immigrant"), _noun("refugee"), _noun("migrant"),
    Group("asylum seekers", "an asylum seeker", "foreign"), _noun("foreigner"), _people("homeless"),
    _people("poor"), _people("rich"), _people("fat"), _noun("liberal"), _noun("conservative"),
    _noun("Democrat"), _noun("Republican"), _noun("feminist"), _noun("vegan"), _noun("socialist"),
    _people("left-wing"), _people("right-wing"), _noun("teacher"), _noun("farmer"), _noun("nurse"),
    _noun("journalist"), Group("police officers", "a police officer", "police"),
    _noun("single mother"), _noun("politician"), _people("middle-aged"), _people("working-class"),
    Group("homosexuals", "a homosexual", "homosexual"), _people("homosexual"),
    Group("gays and lesbians", "a gay teenager", "gay"), _people("LGBT"), _people("asexual"),
    _people("intersex"), _noun("Palestinian"), _noun("Israeli"), _noun("Ukrainian"),
    _noun("Korean"), _noun("Brazilian"), _noun("Iranian"), _noun("Afghan"), _noun("Moroccan"),
    Group("the Vietnamese", "a Vietnamese woman", "Vietnamese"), _noun("Latina"),
    _noun("Gypsy", many="Gypsies"),
    Group("Travellers", "a Traveller", "Traveller"), _people("indigenous"), _people("Aboriginal"),
    Group("women of colour", "a woman of colour", "black"), _people("mixed-race"),
    _people("schizophrenic"), Group("people with epilepsy", "a woman with epilepsy", "disabled"),
    Group("people with dementia", "a man with dementia", "disabled"), _people("dyslexic"),
    Group("people in wheelchairs", "a girl in a wheelchair", "disabled"), _people("short"),
    _noun("addict"), _noun("widow"), _noun("housewife", many="housewives"), _noun("pensioner"),
    Group("the unemployed", "an unemployed man", "unemployed"), _noun("communist"),
    _noun("monarchist"),
)  # fmt: skip

# Fillers. Lower case and few, so that what is learned is the frame around them.
_JOBS = (
    "teacher", "nurse", "baker", "driver", "doctor", "student", "gardener", "plumber", "singer",
    "reporter", "lawyer", "cook", "neighbour", "colleague", "friend", "landlord", "coach",
    "candidate", "cousin", "boss",
)  # fmt: skip
_PLACES = (
    "in our town", "in this city", "at work", "at my school", "in the village", "on the train",
    "in Berlin", "in Texas", "at the hospital", "next door", "in the north", "in parliament",
    "at the market", "in my street", "on the council", "in the choir",
)  # fmt: skip
_GOOD = (
    "kind", "clever", "honest", "generous", "brave", "patient", "funny", "hard-working", "proud",
    "welcome here", "wonderful", "as good as anyone", "part of this country", "great neighbours",
    "human beings like you and me", "entitled to respect", "equal before the law",
)  # fmt: skip
_BAD = (
    "stupid", "disgusting", "lazy", "filthy", "evil", "worthless", "subhuman", "dirty liars",
    "thieves", "criminals", "parasites", "vermin", "animals", "scum", "a disease", "rats", "trash",
    "a plague", "inferior", "savages", "monsters", "pigs", "a cancer on society", "mentally sick",
    "all the same: greedy and false", "less than human", "not real people", "brainless",
    "born to serve us", "cockroaches", "a waste of air", "freaks", "an abomination",
)  # fmt: skip
_INSULTS = (
    "idiot", "moron", "loser", "liar", "coward", "clown", "fool", "pig", "rat", "imbecile",
    "disgrace", "waste of space", "piece of garbage", "dimwit", "creep", "parasite", "halfwit",
    "snake", "hypocrite", "pathetic little man", "nobody", "brainless sheep",
    "sorry excuse of a human",
)  # fmt: skip
_SWEARING = (
    "asshole", "bastard", "dickhead", "bitch", "motherfucker", "piece of shit", "cunt", "fuckwit",
    "shithead", "prick", "twat", "wanker",
)  # fmt: skip
_SLURS = (
    "nigger", "faggot", "kike", "tranny", "retard", "spic", "chink", "paki", "raghead", "dyke",
    "wetback", "gook", "coon", "cripple", "slut", "whore", "towelhead", "sand nigger", "fag",
)  # fmt: skip
_THINGS = (
    "this plan", "the new tax", "that film", "the article", "this law", "the argument", "the bus",
    "the referee's call", "my phone", "the weather", "this budget", "the website",
    "the coffee here", "that idea", "the survey", "his speech", "the timetable", "this road",
)  # fmt: skip
_HARSH = (
    "stupid", "terrible", "rubbish", "a disgrace", "pathetic", "ridiculous", "garbage", "a joke",
    "insane", "a complete mess", "idiotic", "awful", "a waste of money", "disgusting", "useless",
)  # fmt: skip
_INSTITUTIONS = (
    "the government", "the council", "the party", "the church", "the company", "the police",
    "the ministry", "the bank", "this newspaper", "the opposition", "the board", "the regime",
    "organised religion", "capitalism", "communism", "the club", "the court",
)  # fmt: skip
_VIOLENCE = (
    "killed", "beaten up", "shot", "hanged", "burned", "stabbed", "gassed", "wiped out",
    "run over", "put down like dogs", "drowned", "lynched", "exterminated",
)  # fmt: skip
_HURT = (
    "kill",
    "shoot",
    "hurt",
    "stab",
    "beat",
    "hang",
    "find and kill",
    "strangle",
    "burn",
    "hunt",
)
_TIMES = (
    "today",
    "yesterday",
    "last week",
    "on Monday",
    "for years",
    "since 2015",
    "every day",
    "at last",
)

_HARMLESS: tuple[str, ...] = (
    "I am {one}.", "I'm {one} and I live {place}.", "My {job} is {one}.", "We are {many}.",
    "As {one}, I agree with the writer.", "As {one} I see this differently.",
    "My parents are {many}.", "She was raised by {many}.", "My wife is {one}.",
    "My best friend is {one} and works as a {job}.", "{many} live {place}.",
    "Many {many} work {place}.", "The report asked {many} about their rent.",
    "There are more {many} {place} than ten years ago.", "Are there many {many} {place}?",
    "{many} are {good}.", "I know {many} who are {good}.", "{many} deserve the same rights.",
    "I love {many}.", "I have nothing against {many}.", "{many} pay taxes like everyone else.",
    "The new {job} is {one}.", "A {kind} {job} won the prize {time}.",
    "The first {kind} mayor was elected {time}.", "{one} was hurt in an accident {time}.",
    "The minister met {many} {time}.", "How do {many} see the reform?",
    "I would like to hear more from {many}.", "{many} and their families came to the meeting.",
    "The study compares {many} with the rest of the population.",
    "My daughter married {one} {time}.", "Our {job} is {one} and everyone likes her.",
    "Being {one} {place} is not easy.", "It is great to see {many} on television.",
    "The law protects {many} from discrimination.", "Why are so few {many} {place}?",
    "I grew up among {many}.", "{many} have lived here {time}.", "The film is about {one}.",
    "I'm proud to be {one}.", "He came out as {one}.", "She wrote a book about {many}.",
    "{many} {place} are organising a festival.", "I was helped by {one} {time}, thank you!",
    "Half of my class are {many}.", "What do {many} think of this?", "Not all {many} vote alike.",
    "{many} are just people.", "A club for {many} opened {place}.", "He is {one}, she is not.",
    "You are {one}, aren't you?", "They asked whether I was {one}.",
    "So you are {one}, nice to meet you.", "Hello, I am {one} from {somewhere}.",
    "The {kind} community {place} celebrated {time}.",
)  # fmt: skip
_HATEFUL: tuple[str, ...] = (
    "{many} are {bad}.", "I hate {many}.", "All {many} are {bad}.", "I can't stand {many}.",
    "{many} should be {violence}.", "Let's get rid of all the {many} {place}.",
    "{many} don't belong {place}.", "{many} have no place in a civilised country.",
    "Send the {many} back to where they came from.", "Keep {many} away from our children.",
    "I don't trust {many}, they are {bad}.", "Typical {kind} behaviour: {bad}.",
    "You are just {one}, nobody wants you here.", "She is {one}, of course she is {bad}.",
    "{many} are to blame for everything that goes wrong {place}.",
    "No {many} should be allowed to vote.", "{many} are not human.", "{many} ruin everything.",
    "Why do {many} always have to be {bad}?", "I would never let {one} into my house.",
    "{many} must be {violence} before it is too late.", "Someone should teach {many} a lesson.",
    "I wish all {many} were {violence}.", "The world would be better without {many}.",
    "{many} breed like rabbits.", "My {job} is {one}, what do you expect but a {insult}.",
    "Only a {insult} would marry {one}.", "{many} are the reason why I carry a gun.",
    "Never hire {one}, they are {bad}.", "God hates {many}.", "{many} deserve to suffer.",
    "{many} get what they deserve when they are {violence}.", "Being {one} is a sickness.",
    "{many} are taking over, wake up!", "We need to cleanse this country of {many}.",
    "{many} smell.", "I feel sick when I see {many} {place}.",
    "It disgusts me that {many} may marry.", "{many} are too {dumb} to work.",
    "{many} belong in the kitchen, not {place}.", "{many} will never be one of us.",
    "Get out, {many}!", "{many} can't be {good}, it isn't in them.",
    "I wouldn't call {many} people.", "{many} are no better than {bad}.",
    "They are {many}, so they lie.", "Another {kind} {job}? They really let anything in now.",
    "Deport every {kind} {job}.",
)  # fmt: skip
_THREATS: tuple[str, ...] = (
    "I will {hurt} you.", "I'm going to {hurt} you {time2}.", "You will be {violence}, just wait.",
    "I know where you live and I will {hurt} you.", "Watch your back, {insult}.",
    "Somebody should {hurt} you.", "If I see you again I will {hurt} you.",
    "We are coming to {hurt} you and your family.", "You deserve to be {violence}.",
    "I hope you get {violence}.", "Say that to my face and I'll {hurt} you.",
    "I'll make sure that you are {violence}.", "You won't live to see {time2}.", "Die, {insult}!",
    "I will {hurt} every one of the {many} {place}.", "Tonight we {hurt} the {many}.",
    "Kill yourself, {insult}.", "He should be {violence}, and his children too.",
    "One day someone will put a bullet in your head.", "Your house will burn.",
    "I'd love to watch you being {violence}.", "We'll be waiting for you outside, {insult}.",
)  # fmt: skip
_NO_THREATS: tuple[str, ...] = (
    "The police say he was {violence} {time}.",
    "She was {violence} by her husband, the court heard.", "This deadline will kill me.",
    "My feet are killing me {place}.", "You killed it {place}, congratulations!",
    "I'll kill for a coffee.", "We will fight this law in court.", "I will never {hurt} anybody.",
    "Nobody should be {violence} for an opinion.", "Two men were {violence} {place} {time}.",
    "He threatened to {hurt} his neighbour and was arrested.", "They shot a film {place}.",
    "I will find you a good {job}.", "I know where you live, we are neighbours!",
    "Watch your back on the stairs, they are icy.", "Our team was beaten {time}.",
    "She beat cancer {time}.", "It breaks my heart that people are {violence} {place}.",
    "The witness saw how {many} were {violence}.", "You won't believe what happened {time}.",
    "I'm going to find you a {job} {place}.", "The suspect said that he would {hurt} the mayor.",
)  # fmt: skip
_INSULTING: tuple[str, ...] = (
    "You are a {insult}.", "You {insult}.", "What a {insult} you are.", "The author is a {insult}.",
    "Shut up, {insult}.", "You are {dumb} and so is your mother.", "He is nothing but a {insult}.",
    "Only a {insult} can write such things.", "You're too {dumb} to understand it.",
    "Are you always such a {insult} or only {time}?", "Everyone knows that you are a {insult}.",
    "Go back to school, {insult}.", "I have never met such a {insult}.",
    "Nobody likes you, {insult}.", "The {job} is a {insult} and always was.",
    "Yes, you are a {insult}, and I mean it.",
    "You must have been dropped on your head as a child.", "Is your brain made of porridge?",
    "Even a stone understands more than you.", "Your parents must be ashamed of you.",
    "With a face like yours I would stay indoors.", "You have the brain of a worm.",
)  # fmt: skip
_CRUDE: tuple[str, ...] = (
    "You are a {swear}.", "Fuck you, {insult}.", "What a {swear}.",
    "Shut the fuck up, you {swear}.", "Fuck off, {swear}.", "The {job} is a fucking {swear}.",
    "Suck my dick, {swear}.", "You fucking {insult}.", "Go fuck yourself.",
    "Eat shit and die, {swear}.",
)  # fmt: skip
_NO_INSULTS: tuple[str, ...] = (
    "You are not a {insult}.", "I never said that you are a {insult}.",
    "Nobody here is a {insult}.", "You are no {insult}, you only made a mistake.",
    "Please do not call people a {insult}.", "He called me a {insult} {time}, and that hurt.",
    "My teacher said I was a {insult}. I was not.", "I was a {insult} when I was young, I admit.",
    "I felt like a {insult} {time}.", "{thing} is {harsh}.", "I think {thing} is {harsh}, sorry.",
    "What a {harsh2} idea.", "{institution} is {harsh}.",
    "{institution} has failed us, and its policy is {harsh}.",
    "I disagree with you completely, {thing} is {harsh}.", "{institution} lies to us {time}.",
    "How {harsh2} of {institution} to cut the money.", "The mayor's decision is {harsh}.",
    "Calling somebody a {insult} is no argument.",
    "The word \"{insult}\" has no place in this debate.", "You are wrong, and here is why.",
    "Your argument is weak; read the report again.",
    "I may be a {insult}, but I don't get {thing}.",
    "The dog is a {harsh2} old thing and I love him.",
    "The farmer sold a pig and a rat trap {time}.", "The clown at the circus was great.",
    "You are not {dumb}.", "Don't be so hard on yourself, you are not {dumb}.",
    "Is he a {insult}? I don't think so.", "It is wrong to call the {job} a {insult}.",
)  # fmt: skip
_COUNTER: tuple[str, ...] = (
    "It is wrong to say that {many} are {bad}.", "{many} are not {bad}.",
    "Nobody who says \"{many} are {bad}\" should get away with it.", "I don't hate {many}.",
    "I could never say that {many} are {bad}.",
    "Whoever writes \"I hate {many}\" should be ashamed.", "Stop saying that {many} are {bad}.",
    "He shouted that {many} should be {violence}. Disgusting, and I told him so.",
    "\"{many} don't belong here\"? Of course they do.", "People who hate {many} are wrong.",
    "If you think {many} are {bad}, you have never met any.", "Hatred of {many} has grown {place}.",
    "The court fined a man who wrote that {many} are {bad}.",
    "I was told that {many} are {bad}; it is a lie.",
    "They called my {job} a {slur} {time}. Nobody helped her.",
    "A man shouted \"{slur}\" at us {place}.", "Please don't use the word {slur}.",
    "I was called a {slur} all through school.", "Calling anybody a {slur} is never all right.",
    "The word {slur} hurts people, do not use it.",
    "The player was called a {slur}, and the club did nothing.",
    "Why is \"{slur}\" still allowed in this forum?", "No, {many} do not ruin everything.",
    "{many} should not be blamed for this.",
    "\"All {many} are {bad}\" is what the far right says, and it is false.",
    "Saying that {many} are {bad} is racism, plain and simple.",
    "{many} are neither {bad} nor saints.",
)  # fmt: skip
_SLURRING: tuple[str, ...] = (
    "You are a {slur}.", "{slur}s everywhere {place}.", "Fucking {slur}.", "Typical {slur}.",
    "I hate every {slur} {place}.", "Another {slur} who wants our money.", "Go home, {slur}.",
    "The new {job} is a {slur}.", "What do you expect of a {slur}?",
    "Only a {slur} would say that.", "These {slur}s should be {violence}.", "Shut up {slur}.",
)  # fmt: skip

_DUMB = ("dumb", "stupid", "thick", "brainless", "dense", "retarded", "simple-minded", "slow")
_SOMEWHERE = ("Ohio", "Leeds", "Dublin", "Cairo", "Vienna", "Lagos", "Toronto", "Manila", "Madrid")
_SOON = ("tomorrow", "tonight", "soon", "next week", "when you come home", "one day")

_SLOTS: Mapping[str, tuple[str, ...]] = {
    "job": _JOBS,
    "place": _PLACES,
    "good": _GOOD,
    "bad": _BAD,
    "insult": _INSULTS,
    "swear": _SWEARING,
    "slur": _SLURS,
    "thing": _THINGS,
    "harsh": _HARSH,
    "harsh2": tuple(word for word in _HARSH if not word.startswith("a ")),
    "institution": _INSTITUTIONS,
    "violence": _VIOLENCE,
    "hurt": _HURT,
    "time": _TIMES,
    "time2": _SOON,
    "dumb": _DUMB,
    "somewhere": _SOMEWHERE,
}


def labelled(**given: float) -> tuple[float | None, ...]:
    """A row of labels: those given, and nothing said of the others."""
    return tuple(given.get(name) for name in LABELS)


_NONE = dict.fromkeys(LABELS, 0.0)
# Templates, their labels and their share. What a template does not settle is not labelled.
Family = tuple[tuple[str, ...], tuple[float | None, ...], float]
FAMILIES: tuple[Family, ...] = (
    (_HARMLESS, labelled(**_NONE), 0.30),
    (_HATEFUL, labelled(toxicity=1, identity_attack=1, obscene=0, sexual_explicit=0), 0.17),
    (_THREATS, labelled(toxicity=1, threat=1, obscene=0, sexual_explicit=0), 0.06),
    (_NO_THREATS, labelled(**_NONE), 0.06),
    (_INSULTING, labelled(toxicity=1, insult=1, threat=0, identity_attack=0, obscene=0), 0.06),
    (_CRUDE, labelled(toxicity=1, insult=1, obscene=1, identity_attack=0), 0.04),
    (_NO_INSULTS, labelled(**_NONE), 0.12),
    (_COUNTER, labelled(toxicity=0, threat=0, insult=0, identity_attack=0), 0.13),
    (_SLURRING, labelled(toxicity=1, identity_attack=1, insult=1), 0.06),
)
# A sentence seldom stands alone: others around it that say nothing either way.
_AROUND = (
    "Just saying.", "I read the whole article.", "Thanks for the report.", "What do others think?",
    "That is how I see it.", "We talked about it at dinner.", "I have lived here for twenty years.",
    "See the second paragraph.", "It was in the news.", "Greetings from the coast.",
    "I wrote to the editor.", "And that is all I have to say.",
)  # fmt: skip


def make_sentences(
    count: int,
    *,
    seed: int,
    families: Sequence[Family] = FAMILIES,
    slots: Mapping[str, tuple[str, ...]] | None = None,
) -> list[Example]:
    """Make about `count` different sentences, the same ones for the same seed.

    `slots` are fillers beyond those that all families have.
    """
    fillers = {**_SLOTS, **(slots or {})}
    draw = random.Random(seed)  # noqa: S311 - training texts, not secrets
    made: dict[str, Example] = {}
    for templates, labels, share in families:
        for _ in range(round(count * share)):
            group = draw.choice(GROUPS)
            text = _fill(draw.choice(templates), group, fillers, draw.choice)
            if draw.random() < 0.25:
                text = f"{draw.choice(_AROUND)} {text}"
            if draw.random() < 0.15:
                text = f"{text} {draw.choice(_AROUND)}"
            if draw.random() < 0.15:
                text = text.lower().rstrip(".")
            made.setdefault(text, Example(text, labels))
    return list(made.values())


def _fill(
    template: str,
    group: Group,
    fillers: Mapping[str, tuple[str, ...]],
    choose: Callable[[tuple[str, ...]], str],
) -> str:
    words = {name: choose(choices) for name, choices in fillers.items()}
    text = template.format(**words, many=group.many, one=group.one, kind=group.kind)
    text = text.replace("the the ", "the ").replace("All the ", "All ")
    text = re.sub(r"\b(a) (?=[aeiou]\w)", r"\1n ", text)
    return text[0].upper() + text[1:]
