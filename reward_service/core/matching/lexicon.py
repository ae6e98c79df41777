"""Facts about language that deriving forms needs, as tables. All of them are open-ended; what is missing costs a match, not a wrong one."""

from entity_index.usable import FUNCTION_WORDS


def _table(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(separator))


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in text.splitlines())


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# Words that often open a sentence, beside the function words, which are no names at all (`entity_index.usable`): as an opener none of
# them is a mention, and a name that is one of them needs a capital that is not the sentence's.
OPENERS = FUNCTION_WORDS | _table(
    """action actually additionally alternatively answer consider finally first firstly further furthermore given hence however indeed
    instead last lastly later let maybe meanwhile moreover new next note observation okay otherwise perhaps question result results
    search second secondly still step summary therefore third thirdly thought thoughts three thus two wait well"""
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

# What may stand before a person's name without being part of it.
TITLES = _table(
    """archbishop archduchess archduke baron baroness bishop brother captain cardinal chancellor colonel count countess czar dame doctor dr
    duchess duke emperor empress father general governor grand kaiser king lady lord major marshal mayor mother mr mrs ms pope president
    prime prince princess prof professor queen rev reverend saint senator sheikh sir sister st sultan tsar"""
)
NAME_PARTICLES = _table("al bin da de del della der di dos du el ibn la le of ten ter the van von y zu")

# The hundred most frequent last names of the census of the United States of 2010.
COMMON_LAST_NAMES = _table(
    """smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson thomas taylor
    moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young allen king wright scott torres
    nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz
    edwards collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos
    kim cox ward richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers
    long ross foster jimenez"""
)

# Abbreviations of the first or a middle word of a name, and of the last.
ABBREVIATIONS = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort", "pt": "point"}
ABBREVIATIONS_AT_END = {
    "jr": "junior", "sr": "senior", "bros": "brothers", "co": "company", "corp": "corporation", "assn": "association", "st": "street",
    "ave": "avenue", "rd": "road", "blvd": "boulevard", "mtn": "mountain", "mts": "mountains", "univ": "university",
}  # fmt: skip
COUNTRIES = {
    "United States": ("US", "U.S."),
    "United Kingdom": ("UK", "U.K."),
    "United Nations": ("UN", "U.N."),
}

# British and American spellings of the words that names are made of.
BRITISH = dict(
    _rows(
        """theatre theater
        theatres theaters
        centre center
        centres centers
        fibre fiber
        calibre caliber
        lustre luster
        sabre saber
        sceptre scepter
        spectre specter
        metre meter
        metres meters
        kilometre kilometer
        kilometres kilometers
        litre liter
        litres liters
        colour color
        colours colors
        honour honor
        honours honors
        harbour harbor
        harbours harbors
        labour labor
        neighbour neighbor
        neighbours neighbors
        neighbourhood neighborhood
        favour favor
        favourite favorite
        armour armor
        armoured armored
        humour humor
        rumour rumor
        rumours rumors
        parlour parlor
        saviour savior
        savour savor
        splendour splendor
        valour valor
        vapour vapor
        vigour vigor
        behaviour behavior
        endeavour endeavor
        flavour flavor
        odour odor
        defence defense
        offence offense
        licence license
        programme program
        programmes programs
        organisation organization
        organisations organizations
        civilisation civilization
        colonisation colonization
        catalogue catalog
        dialogue dialog
        grey gray
        jewellery jewelry
        aluminium aluminum
        archaeology archeology
        archaeological archeological
        encyclopaedia encyclopedia
        mediaeval medieval
        plough plow
        traveller traveler
        travellers travelers
        storey story"""
    )
)

# Places whose "University of X" and "X University" are two universities.
TWO_UNIVERSITIES = _table(
    """alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii houston idaho illinois indiana iowa
    kansas kentucky lincoln louisiana maine maryland massachusetts miami michigan minnesota mississippi missouri montana nebraska nevada
    ohio oklahoma oregon pennsylvania tennessee texas toledo utah vermont victoria virginia washington wisconsin wyoming york"""
)

SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def _unit(symbols: str, *names: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a unit is called, and the ways to write an amount of it."""
    signs = tuple(symbols.split())
    return (*signs, *names), (
        *(f"{{}} {name}" for name in (*signs, *names)),
        *(f"{{}}{sign}" for sign in signs),
    )


UNITS = (
    _unit("%", "percent", "per cent"),
    _unit("km", "kilometers", "kilometres", "kilometer", "kilometre"),
    _unit("m", "meters", "metres", "meter", "metre"),
    _unit("cm", "centimeters", "centimetres", "centimeter", "centimetre"),
    _unit("mm", "millimeters", "millimetres", "millimeter", "millimetre"),
    _unit("mi", "miles", "mile"),
    _unit("ft", "feet", "foot"),
    _unit("in", "inches", "inch"),
    _unit("kg", "kilograms", "kilogram", "kilos"),
    _unit("g", "grams", "gram"),
    _unit("lb lbs", "pounds", "pound"),
    _unit("mph", "miles per hour"),
    _unit("km/h kmh", "kilometers per hour", "kilometres per hour"),
    _unit("°C", "degrees Celsius"),
    _unit("°F", "degrees Fahrenheit"),
    _unit("h", "hours", "hour"),
    _unit("min", "minutes", "minute"),
    (("$", "dollars", "dollar", "USD"), ("${}", "{} dollars", "{} US dollars", "{} USD")),
    (("€", "euros", "euro", "EUR"), ("€{}", "{} euros", "{} EUR")),
    (("£", "pounds sterling", "GBP"), ("£{}", "{} pounds", "{} GBP")),
)
