"""Facts about language that deriving forms needs, as tables. All of them are open-ended; what is missing costs a match, not a wrong one."""


def _table(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(separator))


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in text.splitlines())


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# Words that are no name when they stand alone. A form that is one of them is rejected; as a sentence opener it is no mention.
FUNCTION_WORDS = _table(
    """a about after again all also although am an and another any are as at be because been before but by can could did do does
    each either every few finally first for from further given had has have he hence her here him his how however i if in indeed
    instead into is it its last later let many may maybe me more most much my neither new next no nor not now of off okay on once
    one only or other our out over perhaps she should since so some still such than that the their them then there therefore these
    they this those though three thus to too two under until up us was we well were what when where whether which while who whom
    whose why will with would yes yet you your action answer observation question search thought thoughts wait"""
)

# Groups of given names that stand for one another.
NICKNAMES = _rows(
    """abraham abe
    albert al bert
    alexander alex sandy
    andrew andy drew
    anthony tony
    arthur art
    barbara barb
    benjamin ben
    catherine cathy kate katie
    charles charlie chuck
    christopher chris
    clifford cliff
    daniel dan danny
    david dave
    deborah debbie
    donald don
    dorothy dot
    douglas doug
    edward ed eddie ted
    elizabeth liz beth betty
    eugene gene
    francis frank
    franklin frank
    frederick fred freddie
    gerald gerry
    gregory greg
    harold hal harry
    henry hank harry
    jacob jake
    james jim jimmy
    jeffrey jeff
    jennifer jen jenny
    john jack johnny
    joseph joe
    joshua josh
    kenneth ken kenny
    lawrence larry
    leonard len lenny
    lewis lew
    margaret maggie meg peggy
    matthew matt
    michael mike mickey
    morris moe
    nathaniel nate
    nicholas nick
    patricia pat patty
    patrick pat
    peter pete
    philip phil
    raymond ray
    rebecca becky
    richard rick dick richie
    rodney rod
    robert bob bobby rob robbie
    ronald ron ronnie
    samuel sam
    stephen steve
    steven steve
    susan sue
    theodore ted teddy theo
    thomas tom tommy
    timothy tim
    vincent vince
    walter walt
    william bill billy will"""
)

# Places that qualify the name of a smaller place after a comma.
PLACES = _table(
    """alabama, alaska, arizona, arkansas, california, colorado, connecticut, delaware, florida, georgia, hawaii, idaho,
    illinois, indiana, iowa, kansas, kentucky, louisiana, maine, maryland, massachusetts, michigan, minnesota, mississippi, missouri,
    montana, nebraska, nevada, new hampshire, new jersey, new mexico, new york, north carolina, north dakota, ohio, oklahoma, oregon,
    pennsylvania, rhode island, south carolina, south dakota, tennessee, texas, utah, vermont, virginia, washington, west virginia,
    wisconsin, wyoming, washington d c, d c, u s, us, usa, u s a, united states, united kingdom, uk, england, scotland, wales,
    northern ireland, ireland, london, cornwall, devon, essex, kent, norfolk, suffolk, surrey, sussex, yorkshire, lancashire,
    alberta, british columbia, manitoba, new brunswick, newfoundland and labrador, nova scotia, ontario, prince edward island, quebec,
    saskatchewan, yukon, canada, new south wales, queensland, south australia, tasmania, victoria, western australia, australia,
    new zealand, france, paris, germany, bavaria, berlin, italy, rome, spain, portugal, netherlands, belgium, switzerland, austria,
    poland, czech republic, hungary, romania, bulgaria, greece, turkey, russia, moscow, ukraine, sweden, norway, denmark, finland,
    iceland, estonia, latvia, lithuania, serbia, croatia, slovenia, slovakia, bosnia and herzegovina, israel, egypt, morocco,
    nigeria, kenya, ghana, south africa, ethiopia, india, pakistan, bangladesh, sri lanka, nepal, china, hong kong, taiwan, japan,
    tokyo, korea, south korea, north korea, vietnam, thailand, malaysia, singapore, indonesia, philippines, iran, iraq, syria,
    saudi arabia, mexico, cuba, puerto rico, jamaica, guatemala, colombia, venezuela, ecuador, peru, bolivia, chile, argentina,
    brazil, uruguay, paraguay""",
    ",",
)

# Words by which a capitalised name is seen not to be a person's.
NOT_IN_PERSONS = _table(
    """academy airlines airport album american and army association avenue award awards band bank battle bay beach bowl bridge
    british building bull bureau canal castle cathedral central centre center championship championships chronicles church city
    club coast college committee company conference corporation corps council county court creek crisis cup day department district
    division east eastern elections empire entertainment express falls federation festival field film films final finals fire fleet
    football force forest fort foundation french game games garden german grand great group gulf hall harbor harbour heights high hill
    hills hospital hotel hurricane international island islands john's kingdom la lake lakers las league library light line little
    los love man manor mall medal monument mount mountain mountains municipality museum national navy new north northern novel of office
    old olympic open opera orchestra organization palace park party pass peninsula pictures place point police port press prize
    province railway range records red republic revolution ridge rio river road rock royal saint san santa school sea season series
    show society song songs south southern sports springs square st stadium star state states station store story street studio studios
    symphony system team television temple terrier the theatre theater tournament tower town township trail treaty trilogy tv union
    united university valley village war water west western wild world"""
)

# What ends the name of a company or a club without being part of it.
LEGAL_FORMS = _table(
    """ab afc ag aktiengesellschaft bv co corp corporation fc gmbh inc incorporated jsc limited llc llp ltd nv oao ojsc ooo plc pte sa sarl
    srl"""
)

PERSON_TYPES = frozenset(("person", "per", "people", "human", "q5"))

# Particles that Korean writes onto a name.
HANGUL_PARTICLES = _table(
    """은 는 이 가 을 를 의 에 에서 에게 께 께서 와 과 도 로 으로 만 까지 부터 보다 처럼 이나 나 이랑 랑 하고 이라는 라는 이라고 라고 이다 다 입니다
    이며 며 에는 에서는 에도 로는 으로는 로서 으로서 이었다 였다"""
)

# The same number in digits, as a Roman numeral (where it cannot be read as an initial) and in words; ordinals likewise.
NUMERALS = _rows(
    """2 ii two
    3 iii three
    4 iv four
    6 vi six
    7 vii seven
    8 viii eight
    9 ix nine
    11 xi eleven
    12 xii twelve
    13 xiii thirteen
    14 xiv fourteen
    15 xv fifteen
    16 xvi sixteen
    1st first
    2nd second
    3rd third
    4th fourth
    5th fifth
    6th sixth
    7th seventh
    8th eighth
    9th ninth
    10th tenth
    11th eleventh
    12th twelfth
    19th nineteenth
    20th twentieth"""
)
