"""Facts about language that deriving forms needs, as tables. All of them are open-ended; what is missing costs a match, not a wrong one."""

from entity_index.folding import fold
from entity_index.usable import FUNCTION_WORDS


def _table(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(separator))


def _pairs(text: str) -> dict[str, str]:
    return dict(zip(text.split()[::2], text.split()[1::2], strict=True))


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

# Particles and forms of the copula that Korean writes onto a name, one after another.
HANGUL_PARTICLES = _table(
    """은 는 이 가 을 를 의 에 에서 에게 에게서 께 께서 한테 와 과 도 로 으로 만 까지 부터 보다 처럼 같이 이나 나 이랑 랑 하고 마저 조차 밖에
    뿐 대로 마다 이야말로 야말로 이라도 라도 이든 든 이란 란 이라는 라는 이라고 라고 이라며 라며 이라면 라면 로서 으로서 로써 으로써 이다 다 입니다 이며 며
    이고 고 이자 이었다 였다 이었고 였고 이었던 였던 이었으며 였으며 이었지만 였지만 이지만 지만 이에요 예요 이었습니다 였습니다 인 인데 이니 이었기 였기
    들 씩 쯤 때문에"""
)
HANGUL_TITLES = _table(
    """씨 님 군 양 왕 대왕 여왕 황제 대통령 총리 장관 의원 시장 회장 사장 감독 교수 박사 선생 선생님 선수 배우 가수 작가 시인 화백 장군 제독 목사 신부 스님 기자 판사"""
)

LEAST_PREFIXED = 4  # letters of an Arabic or Hebrew name that may have a prefix written onto it

# Class words by which Han goes on to name something else after a place or a person; folded, as in simplified writing.
HAN_CLASSES = frozenset(
    fold(word).text.replace(" ", "")
    for word in [
        "大学",
        "学院",
        "学校",
        "中学",
        "小学",
        "医院",
        "公司",
        "银行",
        "集团",
        "机场",
        "车站",
        "火车站",
        "地铁",
        "铁路",
        "公路",
        "高速",
        "大街",
        "大道",
        "大桥",
        "隧道",
        "公园",
        "广场",
        "博物馆",
        "图书馆",
        "美术馆",
        "纪念馆",
        "体育场",
        "体育馆",
        "剧院",
        "剧场",
        "酒店",
        "饭店",
        "日报",
        "晚报",
        "时报",
        "电视台",
        "电台",
        "出版社",
        "研究所",
        "研究院",
        "科学院",
        "协会",
        "委员会",
        "法院",
        "俱乐部",
        "足球队",
        "篮球队",
        "动物园",
        "植物园",
        "水库",
        "半岛",
        "群岛",
        "海峡",
        "山脉",
        "盆地",
        "平原",
        "高原",
        "大厦",
        "奖",
        "新闻",
        "空港",
        "新幹線",
        "神社",
        "大社",
    ]
)
HAN_CLASS_ENDINGS = frozenset(
    fold(word).text
    for word in [
        "陵",
        "路",
        "街",
        "桥",
        "站",
        "駅",
        "寺",
        "庙",
        "宮",
        "城",
        "报",
        "队",
        "湾",
        "河",
        "江",
        "湖",
        "山",
        "岛",
        "港",
        "塔",
        "楼",
        "馆",
        "狗",
        "话",
        "菜",
        "戏",
        "剧",
        "线",
        "号",
        "派",
        "学",
    ]
)
# Characters that part a name from what is said of it.
HAN_GRAMMAR = frozenset(
    fold(char).text
    for char in "的了在是和与及或跟同为于有将被由从到向往对把让给而且但并之其这那此该本某各每个所就都也还又再很不没无未曾已正读上下去来开建创办任职教成出生死病住工作家座间名位获得著写演唱说称认查找看想应可能会要因一二三四五六七八九十几多"
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
BRITISH = _pairs(
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

# Places whose "University of X" and "X University" are two universities.
TWO_UNIVERSITIES = _table(
    """alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii houston idaho illinois indiana iowa
    kansas kentucky lincoln louisiana maine maryland massachusetts miami michigan minnesota mississippi missouri montana nebraska nevada
    ohio oklahoma oregon pennsylvania tennessee texas toledo utah vermont victoria virginia washington wisconsin wyoming york"""
)

HAN_DIGITS = (
    {char: value for value, char in enumerate("〇一二三四五六七八九")}
    | dict.fromkeys("両两兩", 2)
    | {"零": 0}
)
HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
HAN_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}

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
