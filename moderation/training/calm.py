"""More sentences of our own: plain talk of groups in the turns of attacks, and attacks in theirs.

Rules, demands, wishes, misfortune, crime and numbers are said of groups in earnest and in contempt.
Here each turn stands on both sides, so that neither the turn nor the name gives it away.
"""

from moderation.training.made import Family, labelled

_RULES = (
    "{many} must show a ticket like anyone else.", "{many} have to register by {time2}.",
    "{many} are not allowed to park there, and neither am I.",
    "{many} may not vote in this one yet.", "{many} can apply at the {institution}.",
    "From {time2} on, {many} no longer need a permit.", "The rule says that {many} pay half.",
    "The ban on {many} was lifted {time}.", "{many} are kept from the job by a law of 1954.",
    "{many} were turned away {time}, which is a shame.", "The new law hits {many} hardest.",
    "{institution} has no right to turn {many} away.",
    "{many} should not have to wait longer than I do.", "{many} ought to have a say in {thing}.",
    "{many} should be able to walk home at night without fear.", "Let {many} speak for themselves.",
    "{many} should be left in peace.", "Leave {many} alone and talk about {thing} instead.",
    "Give {many} the time that they need.", "Stop asking {many} where they come from.",
    "Don't make {many} pay for the mistakes of the {institution}.",
    "Nobody may be sacked for being {one}.", "Who keeps {many} out breaks the law.",
    "There is room for {many} and for the rest of us.", "Put in a ramp for {many} and prams.",
    "Keep a seat free for {one} or whoever comes late.", "Take {many} with you, there is space.",
    "Send {many} the same letter as the others.",
    "Get rid of the form that only {many} have to fill in.",
)  # fmt: skip
_MISFORTUNE = (
    "{many} were attacked {place} {time}, and nobody helped.",
    "Two {many} died in the fire {time}.",
    "{one} was beaten up {place}, the police are looking for witnesses.",
    "{one} was killed by a drunk driver {time}.", "The bomb was meant for {many}.",
    "Hate crimes against {many} went up again.", "{many} lost their homes in the flood.",
    "{many} were murdered in that war, and we must not forget it.",
    "{many} were sent to camps, my grandmother among them.",
    "{many} fled from the fighting {time}.", "They shouted at {one} until she left the bus.",
    "Somebody spat at {one} {place}, disgusting.", "{many} get threats every day, says the report.",
    "Children laughed at {one} {place}.", "{many} are more often ill and die sooner.",
    "{many} earn a fifth less.", "{many} often cannot find a flat {place}.",
    "Suicide among {many} is a problem nobody talks about.",
    "{many} are afraid to go out after dark.", "The killer of {one} was sentenced {time}.",
    "{one} was suspected, and it turned out to be wrong.",
    "{one} was arrested and let go an hour later.",
    "The man who threatened {many} has been charged.",
    "The slogan on the wall was aimed at {many}.", "{many} still hear such words every day.",
    "{many} have been blamed for it for centuries.", "Poor {many}, no heating again this winter.",
    "{many} suffered most under the last government.",
)  # fmt: skip
_NUMBERS = (
    "A third of the prisoners are {many}, a tenth of the judges are.",
    "{many} commit no more crimes than others, the figures show.",
    "The number of {many} {place} has doubled.", "Fewer {many} came this year.",
    "{many} have more children on average.", "{many} live longer than the rest of us.",
    "One in six {many} is out of work.", "Most {many} rent.", "{many} drive less and walk more.",
    "Half of the complaints came from {many}.",
    "No {many} took part in the study, which weakens it.", "{many} lost two seats.",
    "{institution} counts {many} separately.", "{many} voted against it by a large margin.",
    "The vote of {many} decided the election.", "{many} owe the {institution} nothing.",
    "{many} used {thing} less than expected.",
)  # fmt: skip
_DISAGREEING = (
    "I don't agree with {many} on this one.", "{many} are wrong about {thing}, in my view.",
    "The spokesman of {many} should have said so earlier.", "I did not like the play about {many}.",
    "{one} lost the debate, to be honest.", "{one} played badly {time}.",
    "The {job}, {one}, has to answer for the delay.",
    "The {job} is {one}, and the budget is still late.",
    "I voted against {one} because of {thing}.", "Not all {many} want {thing}, I don't.",
    "I am {one} myself and I am against {thing}.", "As {one} I am tired of this debate.",
    "{many} have no common opinion on {thing}.",
    "It is unfair to {many} and to everybody who pays.",
    "The article tells us too little about {many}.", "Why only {many}? Ask the others too.",
    "Why do you always write about {many} and never about {thing}?",
    "The headline makes it sound as if {many} were to blame.",
    "I cannot see what {many} have to do with it.", "{institution} uses {many} as an excuse.",
    "It is not the fault of {many} that {thing} costs so much.",
    "{many} are no better and no worse than you and me.",
    "There are rude people everywhere, also among {many}.",
    "I used to be afraid of {many}, which I regret.",
    "Some say that {many} cannot be trusted. I disagree.", "Jokes about {many} are not funny.",
    "You don't have to like {many}, but be polite.", "Tell me one law that {many} broke.",
    "Whoever hates {many} has never met one.",
    "Anyone who calls for violence against {many} should be banned here.",
)  # fmt: skip
_EVERYDAY = (
    "{one} asked me the way and we ended up having coffee.", "{one} repaired my bike {time}.",
    "{many} run the shop at the corner.", "{one} sat behind me and sang.",
    "My doctor was {one}, a kind man.", "My grandfather worked with {many} in the mine.",
    "There will be a concert of {many} {time2}.",
    "{many} and their neighbours planted trees {place}.", "A film about {many} won the prize.",
    "The story of {one} and a dog, for children from six.",
    "Congratulations to {many} on the anniversary.", "{many} brought soup for the firemen.",
    "{one} won the race {time}.", "{many} hold the record.",
    "The choir of {many} needs two basses.", "A seat by the window for {one}, please.",
    "There are few {many} in my street.", "I have never met {one}.",
    "I know next to nothing about {many}.", "I dreamt that I was {one}.",
    "If I were {one} I would do the same.", "What would {one} say to that?", "Ask {one}, not me.",
    "Thanks, from {one}.", "Greetings to all {many} who read this.",
    "Is this for {many} only or can anybody come?", "Do {many} get a discount?",
    "Are you sure that he was {one}? The article does not say.", "Which {many} do you mean?",
    "How should one address {one}?", "Do you have to be {one} to join?",
    "When did {many} get the vote?",
)  # fmt: skip
# The same turns in contempt.
_RULED_OUT = (
    "{many} must be made to obey.", "{many} have to go, by {time2}.",
    "{many} are not allowed in here, and that is how it stays.", "{many} may not breathe our air.",
    "From {time2} on, no {many} {place} any more.", "The rule should be: no {many}.",
    "Bring back the ban on {many}.", "{many} were turned away {time}, well done.",
    "The new law does not hit {many} hard enough.", "Every shop has the right to throw {many} out.",
    "{many} should wait outside with the dogs.", "{many} ought to have no say in anything.",
    "{many} should be afraid to walk home at night.", "Do not let {many} speak.",
    "Leave {many} out in the cold.", "Give {many} a one-way ticket.",
    "Make {many} pay, they owe us.", "Being {one} should cost you the job.",
    "There is no room for {many} among decent people.", "Keep {many} away from the rest of us.",
    "Take from {many} what they stole from us.", "Send {many} back where they came from.",
    "Get rid of {many} and the problem is gone.", "{many} have had their turn, now shut them up.",
)  # fmt: skip
_GLOATING = (
    "{many} were attacked {place} {time}, and they had it coming.",
    "Two {many} died in the fire, two fewer.", "{one} was beaten up {place}? Good.",
    "Pity that the bomb missed {many}.", "{many} lost their homes, serves them right.",
    "{many} made up that war story for money.", "{many} were not killed in enough numbers.",
    "{many} only flee because they are cowards.", "They should have shouted louder at {one}.",
    "{many} get threats because they deserve them.", "{many} die sooner, thank God.",
    "{many} earn less because they are worth less.", "Nobody in his right mind rents to {many}.",
    "If {many} are afraid to go out, all the better.", "Whoever killed {one} did us a favour.",
    "{one} was suspected? Of course, it is always {many}.", "Nobody will cry for {many}.",
    "{many} whine about it for centuries now.",
)  # fmt: skip
_COUNTED_OUT = (
    "The prisons are full of {many}, it is in their nature.", "{many} commit every crime {place}.",
    "The number of {many} {place} must come down to zero.", "Fewer {many}, fewer problems.",
    "{many} breed like vermin.", "{many} control the banks and the papers.",
    "{many} own the media, wake up.", "{many} are out of work because they are lazy by birth.",
    "{many} bought the election.", "{many} live off our taxes, all of them.",
    "{many} are behind it, as always.", "{many} carry diseases.", "{many} smell.",
    "{many} are taking over.", "{many} hate us and want us dead.",
    "{many} cannot be trusted, ever.", "{many} are all liars.", "{many} are animals.",
    "{many} are a cancer.", "{many} are parasites.", "{many} are not human.",
    "{many} are an abomination.", "{many} are sick in the head.", "{one} can never be one of us.",
    "{one} is a criminal, you only have to look.", "There is nothing more stupid than {one}.",
    "I can't stand {many}, they make me sick.", "I hate {many}.", "{many} disgust me.",
    "I despise {many} and everything about them.", "Never trust {one}.",
    "Only {one} could be that greedy.", "He is {one}, what did you expect?",
    "{many} ruin everything they touch.", "The world would be better without {many}.",
    "Whoever marries {one} betrays his own people.", "Jokes about {many} are true.",
    "All {many} are terrorists.", "{many} are a threat to our children.", "{many} are perverts.",
)  # fmt: skip

_CALM = dict.fromkeys(
    ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack"), 0.0
)
_PLAIN = labelled(**_CALM, sexual_explicit=0.0)
_ATTACK = labelled(toxicity=1, identity_attack=1, obscene=0, sexual_explicit=0)
FAMILIES: tuple[Family, ...] = (
    (_RULES, _PLAIN, 0.13),
    (_MISFORTUNE, _PLAIN, 0.14),
    (_NUMBERS, _PLAIN, 0.08),
    (_DISAGREEING, _PLAIN, 0.14),
    (_EVERYDAY, _PLAIN, 0.14),
    (_RULED_OUT, _ATTACK, 0.11),
    (_GLOATING, _ATTACK, 0.08),
    (_COUNTED_OUT, _ATTACK, 0.18),
)
