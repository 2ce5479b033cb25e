"""Lists of words that IFBench's constraints are about, or that tell whether one is met."""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONJUNCTIONS = _set("and but for nor or so yet 和 与 或 但 而 且")
PRONOUNS = _set("""
    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his
    himself she her hers herself it its itself they them their theirs themselves this that these
    those who whom whose which what whoever whomever whatever whichever anybody anyone anything
    everybody everyone everything nobody nothing somebody someone something each either neither
    both all some any none 我 你 您 他 她 它 咱 谁 这 那 哪""")
#: English as NLTK lists them, cut at apostrophes; the commonest Chinese particles.
STOP_WORDS = _set("""
    i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she
    her hers herself it its itself they them their theirs themselves what which who whom this that
    these those am is are was were be been being have has had having do does did doing a an the
    and but if or because as until while of at by for with about against between into through
    during before after above below to from up down in out on off over under again further then
    once here there when where why how all any both each few more most other some such no nor not
    only own same so than too very s t can will just don should now d ll m o re ve y ain aren
    couldn didn doesn hadn hasn haven isn ma mightn mustn needn shan shouldn wasn weren won wouldn
    的 了 着 过 是 在 和 与 及 也 都 就 而 但 或 被 把 对 从 向 这 那 我 你 他 她 它 们 吗 呢 吧""")
#: What prompts say about form: it is no subject.
FORM_WORDS = _set("""
    answer answers bullet bullets capital comma commas contain create day entire english exactly
    follow format give good like
    include instruction keyword keywords least length letter letters line lines list lowercase make
    markdown mention number output paragraph paragraphs phrase placeholder please point prompt
    question quotation quote quotes repeat request respond response section sections sentence
    sentences start stop sure tell text three title use using wrap write word words yes""")
#: What a title may write small.
MINOR = _set("""
    a an the and but or nor for so yet as at by from in into of off on onto over per than to up
    via vs with""")
#: The names that `count:person_names` lists in its prompt.
NAMES = _set("""
    Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander
    Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella
    Jacob Scarlett Nathan Victoria Elijah Layla Nicholas Audrey David Hannah Christopher Penelope
    Thomas Nora Andrew Aria Joseph Claire Ryan Stella Jonathan""")
#: Capitals of Europe north of 45°, by latitude.
CAPITALS = """
    reykjavik helsinki oslo tallinn stockholm riga moscow copenhagen vilnius minsk dublin berlin
    amsterdam warsaw london brussels kyiv prague luxembourg paris vienna bratislava budapest vaduz
    chisinau bern ljubljana zagreb""".split()  # noqa: SIM905
#: The first words of the names of African countries.
AFRICA = _set("""
    algeria angola benin botswana burkina burundi cabo cape cameroon central chad comoros congo
    cote democratic djibouti egypt equatorial eritrea eswatini ethiopia gabon gambia ghana guinea
    guinea-bissau ivory kenya lesotho liberia libya madagascar malawi mali mauritania mauritius
    morocco mozambique namibia niger nigeria republic rwanda sao senegal seychelles sierra somalia
    south sudan swaziland tanzania the togo tunisia uganda zambia zimbabwe""")
