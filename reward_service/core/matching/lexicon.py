"""Facts about language that deriving forms needs, as tables. All of them are open-ended; what is missing costs a match, not a wrong one."""

import re

from entity_index.folding import fold
from entity_index.usable import FUNCTION_WORDS


def _table(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(separator))


def _pairs(text: str) -> dict[str, str]:
    return dict(zip(text.split()[::2], text.split()[1::2], strict=True))


def _feminine(word: str, endings: tuple[tuple[str, str], ...]) -> str:
    for masculine, feminine in endings:
        word = re.sub(masculine, feminine, word)
    return word


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in text.splitlines())


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "", "Jun", "Jul", "Aug", "Sep Sept", "Oct", "Nov", "Dec")
# German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Russian, Turkish, Polish: nominatives, and genitives beside a day.
MONTHS_ELSEWHERE = tuple(
    """januar janvier enero gennaio janeiro januari января январь ocak styczen stycznia
    februar fevrier febrero febbraio fevereiro februari февраля февраль subat luty lutego
    marz maerz mars marzo marco maart марта март mart marzec marca
    avril abril aprile апреля апрель nisan kwiecien kwietnia
    mai mayo maggio maio mei мая май mayis maj maja
    juni juin junio giugno junho июня июнь haziran czerwiec czerwca
    juli juillet julio luglio julho июля июль temmuz lipiec lipca
    aout agosto augustus augusti августа август agustos sierpien sierpnia
    septembre septiembre settembre setembro сентября сентябрь eylul wrzesien wrzesnia
    oktober octobre octubre ottobre outubro октября октябрь ekim pazdziernik pazdziernika
    novembre noviembre novembro ноября ноябрь kasim listopad listopada
    dezember decembre diciembre dicembre dezembro desember декабря декабрь aralik grudzien grudnia""".splitlines()
)

# Words that often open a sentence, beside the function words, which are no names at all (`entity_index.usable`): as an opener none of
# them is a mention, and a name that is one of them needs a capital that is not the sentence's.
OPENERS = FUNCTION_WORDS | _table(
    """action actually additionally alternatively answer consider finally first firstly further furthermore given hence however indeed
    instead last lastly later let maybe meanwhile moreover new next note observation okay otherwise perhaps question result results
    search second secondly still step summary therefore third thirdly thought thoughts three thus two wait well"""
)

# Groups of given names that are used for one another.
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

# The states of the United States, with their postal codes.
STATES = dict(
    pair.rsplit(" ", 1)
    for pair in """Alabama AL, Alaska AK, Arizona AZ, Arkansas AR, California CA, Colorado CO, Connecticut CT, Delaware DE, Florida FL,
    Georgia GA, Hawaii HI, Idaho ID, Illinois IL, Indiana IN, Iowa IA, Kansas KS, Kentucky KY, Louisiana LA, Maine ME, Maryland MD,
    Massachusetts MA, Michigan MI, Minnesota MN, Mississippi MS, Missouri MO, Montana MT, Nebraska NE, Nevada NV, New Hampshire NH,
    New Jersey NJ, New Mexico NM, New York NY, North Carolina NC, North Dakota ND, Ohio OH, Oklahoma OK, Oregon OR, Pennsylvania PA,
    Rhode Island RI, South Carolina SC, South Dakota SD, Tennessee TN, Texas TX, Utah UT, Vermont VT, Virginia VA, Washington WA,
    West Virginia WV, Wisconsin WI, Wyoming WY""".replace("\n   ", "").split(", ")
)

# Places that qualify the name of a smaller place after a comma.
PLACES = frozenset(state.casefold() for state in STATES) | _table(
    """washington d c, d c, u s, us, usa, u s a, united states, united kingdom, uk, england, scotland, wales,
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

_US_STATES = frozenset(state.casefold() for state in STATES)
_PROVINCES = _table(
    """alberta, british columbia, manitoba, new brunswick, newfoundland and labrador, nova scotia, ontario, prince edward island, quebec,
    saskatchewan, yukon""",
    ",",
)
_AUSTRALIAN_STATES = _table(
    """new south wales, queensland, south australia, tasmania, victoria, western australia""", ","
)
_UK_COUNTRIES = _table("england, scotland, wales, northern ireland", ",")
_SISTERS = (_US_STATES | {"d c", "washington d c"}, _PROVINCES, _AUSTRALIAN_STATES, _UK_COUNTRIES)
"""Places that exclude each other though they lie in one country."""
_WITHIN = {
    "united states": _US_STATES | _table("washington d c, d c, u s, us, usa, u s a, puerto rico", ","),
    "united kingdom": _UK_COUNTRIES
    | _table(
        "uk, london, cornwall, devon, essex, kent, norfolk, suffolk, surrey, sussex, yorkshire, lancashire",
        ",",
    ),
    "canada": _PROVINCES,
    "australia": _AUSTRALIAN_STATES,
    "france": {"paris"},
    "germany": {"bavaria", "berlin"},
    "italy": {"rome"},
    "russia": {"moscow"},
    "japan": {"tokyo"},
}
COUNTRY_OF = {place: place for place in PLACES} | {
    place: country for country, places in _WITHIN.items() for place in places
}
"""The country of each of these places, folded."""


_OVERLAPPING = {
    ("ireland", "northern ireland"),
    ("korea", "north korea"),
    ("korea", "south korea"),
    ("china", "hong kong"),
    ("china", "taiwan"),
}
ALSO_IN_LISTS = frozenset(("berlin", "london", "moscow", "paris", "rome", "tokyo"))
"""Of these, those that follow other cities after a comma in lists: "Boston, Paris and London"."""


def exclude(one: str, other: str) -> bool:
    """Return whether nothing lies in both of two of these places."""
    if one == other or (min(one, other), max(one, other)) in _OVERLAPPING:
        return False
    return COUNTRY_OF[one] != COUNTRY_OF[other] or any({one, other} <= sisters for sisters in _SISTERS)


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
    이고 고 이자 이지만 지만 이에요 예요 인 인데 이니 이니까 니까 이므로 므로 이라서 라서 이라는데 라는데 이라던 라던 이라기보다 라기보다 이란다
    들 씩 쯤 때문에 커녕 은커녕 는커녕 뿐만 과의 와의 에게로 에서의 으로의 로의 만의 까지의 부터의"""
) | {
    past + ending
    for past in ("이었", "였")
    for ending in _table(
        """다 고 던 으며 지만 으나 으니 으니까 으므로 는데 습니다 어요 기 기에 음 음을 을 을까 을지 다고 다는 다면 다가 더라도"""
    )
}
HANGUL_TITLES = _table(
    """씨 님 군 양 왕 대왕 여왕 황제 대통령 총리 장관 의원 시장 회장 사장 감독 교수 박사 선생 선수 배우 가수 작가 시인 화백 장군 제독 목사 신부 스님 기자 판사 검사
    변호사 위원장 부위원장 원장 총장 이사장 부회장 대표 부통령 지사 의장 차관 실장 국장 부장 과장 팀장 코치 아나운서 공주 왕자 왕비 왕후 황후 세자 대군 여사 옹
    추기경 주교 대사 대위 소령 대령 소장 중장 대장 원수"""
)

# What Korean writes onto the name of a place without making another of it: 서울특별시.
HANGUL_PLACES = _table("특별시 광역시 특별자치시 특별자치도")

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
        "博物院",
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
        "邮报",
        "晨报",
        "早报",
        "周刊",
        "杂志",
        "电影节",
        "奖",
        "新闻",
        "空港",
        "新幹線",
        "条约",
        "公约",
        "协定",
        "议定书",
        "議定書",
        "交响乐团",
        "交響楽団",
        "爱乐乐团",
        "管弦乐团",
        "管弦楽団",
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

# Places that other names overlap in writing without spaces: 東京都 has no 京都, 上海南站 no 海南.
_PINNED = _table(
    """北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西
    西藏 宁夏 新疆 香港 澳门 石家庄 唐山 秦皇岛 邯郸 保定 张家口 承德 沧州 太原 大同 呼和浩特 包头 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 长春 哈尔滨
    齐齐哈尔 牡丹江 佳木斯 大庆 南京 无锡 徐州 常州 苏州 南通 连云港 扬州 镇江 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 舟山 台州 合肥 芜湖 蚌埠 黄山 安庆
    福州 厦门 莆田 泉州 漳州 南昌 景德镇 九江 赣州 济南 青岛 淄博 烟台 潍坊 济宁 泰安 威海 临沂 郑州 开封 洛阳 安阳 许昌 南阳 武汉 黄石 十堰 宜昌 襄阳 荆州
    长沙 株洲 湘潭 衡阳 岳阳 张家界 广州 深圳 珠海 汕头 佛山 江门 湛江 茂名 惠州 东莞 中山 潮州 南宁 柳州 桂林 梧州 北海 海口 三亚 成都 自贡 攀枝花 泸州
    绵阳 乐山 宜宾 贵阳 遵义 昆明 大理 丽江 拉萨 西安 宝鸡 咸阳 渭南 延安 汉中 榆林 兰州 天水 西宁 银川 乌鲁木齐 台北 高雄 台中 台南 基隆 新竹 长江 黄河 珠江
    淮河 汉江 湘江 赣江 嘉陵江 松花江 鸭绿江
    東京 大阪 京都 北海道 青森 岩手 宮城 秋田 山形 福島 茨城 栃木 群馬 埼玉 千葉 神奈川 新潟 富山 石川 福井 山梨 長野 岐阜 静岡 愛知 三重 滋賀 兵庫 奈良 和歌山
    鳥取 島根 岡山 広島 山口 徳島 香川 愛媛 高知 福岡 佐賀 長崎 熊本 大分 宮崎 鹿児島 沖縄 札幌 仙台 横浜 川崎 名古屋 神戸 北九州
    中国 日本 韩国 朝鲜 美国 英国 法国 德国 俄国 泰国 印度 越南 缅甸 蒙古 埃及 南非 巴西 智利 秘鲁 古巴 伊朗 伊拉克 瑞士 瑞典 挪威 丹麦 芬兰 希腊 荷兰 波兰"""
)
PINNED_HAN: dict[str, tuple[str, ...]] = {}
"""The same, folded, by their first character."""
for _place in sorted(fold(_name).text.replace(" ", "") for _name in _PINNED):
    PINNED_HAN[_place[0]] = (*PINNED_HAN.get(_place[0], ()), _place)
LONGEST_PINNED = max(map(len, _PINNED))

# Class words that make another thing of the name of a place or a person before them. A river, a sea or a desert stays what it is.
CLASSES = _table(
    """academy accord accords agreement airlines airport airways arena avenue award awards bank basilica bowl bridge building cathedral center
    centre chapel chronicle city club college conservatory convention conventions county courier cup declaration daily exchange express fc f.c festival foundation
    gallery gazette globe hall hospital hotel house institut institute institution journal library magazine marathon medal memorial museum news
    opera orchestra pact palace park philharmonic pictures post press prize project protocol railway records review road school society square stadium
    station stock street studios subway symphony tech theater theatre times tower townships treaty tribune trophy university zoo"""
)
# What the teams of a place are called behind its name.
TEAMS = _table(
    """49ers 76ers aggies albion angels argyle astros athletic athletics avalanche badgers bears bengals bills blackhawks blazers blues boilermakers
    braves brewers broncos browns bruins buccaneers buckeyes bucks bulldogs bulls canadiens canucks capitals cardinals cavaliers celtic celtics
    chargers chiefs clippers colts commanders cornhuskers cowboys coyotes cubs devils diamondbacks dodgers dolphins ducks eagles earthquakes
    expos falcons flames flyers forest galaxy gators giants gophers grizzlies guardians hawkeyes hawks heat hoosiers hornets hotspur huskies
    indians islanders jackets jaguars jayhawks jays jazz jets kings knicks knights kraken lakers leafs lightning lions longhorns magic mariners
    marlins mavericks mets nationals nets nordiques nuggets oilers orient orioles pacers packers padres panthers patriots pelicans penguins
    phillies pirates pistons predators raiders rams rangers rapids raptors ravens rays razorbacks reds redskins rockets rockies rovers royals
    sabres saints seahawks seminoles senators sharks sooners sounders sox spartans spurs stars steelers suns supersonics texans thistle thrashers
    thunder tigers timbers timberwolves titans town trojans twins united vikings volunteers wanderers warriors wednesday whalers whitecaps
    wildcats wings wizards wolverines yankees"""
)
NO_TEAMS = ("united kingdom", "united states", "united nations")
"""Names that begin as a team's word does."""
WRITTEN_SMALL = TEAMS | _table("city fc post times tribune university")
"""Those of both that make another name in a text that writes names in small letters, where a london school is any."""
# What teams are called before the name of their place.
CLUBS = _table(
    """ac afc atletico bayern borussia cska deportivo dinamo dynamo eintracht fc hapoel hertha inter lokomotiv maccabi olympique racing real
    spartak sporting werder zenit"""
)
# Given names, beside those that have short forms.
GIVEN_NAMES = (
    frozenset(name for group in NICKNAMES for name in group) - _table("art dot drew sue will")
) | _table(
    """aaron adam adrian agatha agnes aidan alan alain albrecht alexandra alexandre alfred alice allan amanda amy ana andre andrea andrei angela
    anna anne annie antonio antonia ariana audrey august ava beatrice bella bernard bernie bessie bette beyonce boris bradley brandon brenda brian
    bruce bruno burt camille carl carla carlo carlos carol caroline catalina cecil celia chester chloe christian christina christine claire
    clara clark claude claudia clint colin conrad cynthia damon daniela danielle darren denis denise dennis denzel derek diana diane diego
    dominic donna doris duncan dustin dwayne dylan edgar edith edmund edwin eleanor elena eli elijah ella ellen elsa emil emilia emily
    emma emmanuel enrique eric erica erik ernest ernst ethan eva evan evelyn fabio felix fernando fiona frances francisco francois
    franz friedrich fritz gabriel gareth gary gavin geoffrey george gerard gilbert giovanni giuseppe gloria gordon grace graham grover gustav guy
    hannah hans harriet harrison harvey heather heinrich helen helena herbert herman hermann howard hugh hugo ian igor ingrid irene iris irving
    isaac isabel isabella ivan jacqueline jacques jane janet jason javier jay jean jeremy jerome jerry jesse jessica jill joan joanna joaquin
    joel johan johann juliana leopold jonathan jorge jose josef juan judith judy julia julian julie juliet jules justin karen karl kate katherine kathleen keith
    kelly kevin kim klaus kurt kyle lance laura lauren leo leon leonard leonardo leonid leroy leslie lewis liam lillian linda lionel lisa
    lloyd lorenzo louis louise luca lucas lucia lucy ludwig luigi luis luke marc marcel marco marcus maria marie marilyn mario marion
    marlon marsha martha martin martina mary maurice max maxwell melissa mercedes meryl mia michel michele michelle miguel mikhail mildred miles
    miranda mohammed monica morgan muhammad nancy naomi natalie neil nelson nicole nikita nikolai nina noah noel nora norman oliver olivia orson
    oscar otto owen pablo pamela paolo patti paul paula paulo pedro penelope perry pierre priscilla rachel ralph ramon randy raphael raul rex ricardo
    rita roberta roberto roger roland rosa rose ross roy rudolf rupert russell ruth ryan sally samantha sandra sara sarah scott sean
    sergei sergio seth shane sharon shirley sidney sigmund silvia simon sofia sonia sophia sophie spencer stanley stefan stella stevie
    stuart sylvia tamara tara teresa terry theresa tina todd tracy travis trevor ursula valentina valerie vanessa vera vernon veronica victor
    viktor viola virginia vivian vladimir wallace walker wanda warren wayne wendy wesley whitney wilhelm willem winston woodrow yuri yvonne zoe"""
)
# Places that are also last names, and given names; so are some of `PLACES`.
ALSO_LAST_NAMES = PLACES | _table(
    """austin bolton boston bristol burton carlisle chester cleveland dallas denver derby durham holland houston jordan lancaster madison phoenix
    preston raleigh salem savannah sheffield stafford sterling troy warwick wells york"""
)
ALSO_GIVEN_NAMES = _table(
    """adelaide alexandria asia austin brooklyn carolina chad charlotte chelsea cheyenne dakota dallas eden florence georgia houston india israel
    jackson jamaica jordan kenya lincoln madison milan orlando paris phoenix savannah sienna sydney troy valencia victoria vienna virginia
    washington"""
)
NOT_LAST_NAMES = _table(
    """and at by central district east for from grand in is metro metropolitan north of olympic olympics on or south state summer the to
    was west winter"""
)
"""Words that may be capitalised behind the name of a place without making a person of it."""
# What the parts of a work are called: behind a comma, too; in any case; and with a capital alone.
PARTS = ("part", "vol", "volume")
SEASONS = ("season",)
PARTS_WITH_CAPITAL = ("Book", "Chapter", "Episode", "Series")
# What may stand between a name and its class word.
INNER_CLASSES = (
    "Art", "Blue", "Business", "Central", "Children's", "Christian", "Film", "Fine", "International", "Law", "Maple", "Medical", "National",
    "Natural", "Public", "Red", "Royal", "School", "Science", "Space", "State", "Super", "Technical", "Trail", "White",
)  # fmt: skip
SAME_PLACE = frozenset(
    {("new york", "city"), ("washington", "city"), ("vatican", "city"), ("ho chi minh", "city")}
)
# Places whose name is that of another with a word before it.
LONGER_PLACES = frozenset(name for name in PLACES if " " in name) | _table(
    """new jersey, new hampshire, new mexico, new orleans, new delhi, new england, new guinea, new britain, new brunswick, new caledonia,
    new castile, new amsterdam, new haven, new london, new bedford, south africa, south america, north america, central america,
    latin america, south sudan, equatorial guinea, east timor, south ossetia, west virginia, upper austria, lower austria,
    lower saxony, little rock, east india, west indies, inner mongolia, san marino, new plymouth, new westminster, baton rouge, winston salem,
    lake victoria, lake michigan, lake ontario, lake geneva, lake como, lake constance, fort worth, fort wayne, fort lauderdale, fort william,
    port stanley, papua new guinea, austria hungary, guinea bissau, schleswig holstein, baden wurttemberg, baden baden,
    alsace lorraine, saxony anhalt, serbia and montenegro, air france klm""",
    ",",
)

LONGER_BY_START = {
    start: tuple(place.removeprefix(f"{start} ") for place in LONGER_PLACES if place.startswith(f"{start} "))
    for start in ("air france", "alsace", "austria", "baden", "guinea", "saxony", "schleswig", "serbia")
}
"""Those that begin with a name of their own, by that name, each with what follows."""

# The ordinals that follow rulers' names, from the first on, and what stands between; Russian and Ukrainian also for women.
RULERS = {
    "ru": ("", "Первый Второй Третий Четвёртый Пятый Шестой Седьмой Восьмой Девятый Десятый Одиннадцатый Двенадцатый"),
    "uk": ("", "Перший Другий Третій Четвертий П'ятий Шостий Сьомий Восьмий Дев'ятий Десятий Одинадцятий Дванадцятий"),
    "de": ("der ", "Erste Zweite Dritte Vierte Fünfte Sechste Siebte Achte Neunte Zehnte Elfte Zwölfte Dreizehnte Vierzehnte"),
    "nl": ("de ", "Eerste Tweede Derde Vierde Vijfde Zesde Zevende Achtste Negende Tiende Elfde Twaalfde Dertiende Veertiende"),
    "fr": ("", "Premier Deux Trois Quatre Cinq Six Sept Huit Neuf Dix Onze Douze Treize Quatorze Quinze Seize Dix-sept Dix-huit"),
    "es": ("", "Primero Segundo Tercero Cuarto Quinto Sexto Séptimo Octavo Noveno Décimo Once Doce Trece Catorce Quince"),
    "it": ("", "Primo Secondo Terzo Quarto Quinto Sesto Settimo Ottavo Nono Decimo Undicesimo Dodicesimo"),
    "pt": ("", "Primeiro Segundo Terceiro Quarto Quinto Sexto Sétimo Oitavo Nono Décimo Onze Doze Treze Catorze Quinze"),
}  # fmt: skip
_OF_QUEENS = {"ru": (("ый$", "ая"), ("ой$", "ая"), ("ий$", "ья")), "uk": (("ий$", "а"), ("ій$", "я"))}
QUEENS = {
    code: (RULERS[code][0], " ".join(_feminine(word, endings) for word in RULERS[code][1].split()))
    for code, endings in _OF_QUEENS.items()
}
"""The same for women."""

# The numbers from two to twenty, then the tens, a hundred and a thousand.
NUMBERS = {
    "de": """zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig
        dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend""",
    "nl": """twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig
        dertig veertig vijftig zestig zeventig tachtig negentig honderd duizend""",
    "sv": """två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo
        trettio fyrtio femtio sextio sjuttio åttio nittio hundra tusen""",
    "fr": """deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt
        trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix cent mille""",
    "es": """dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte
        treinta cuarenta cincuenta sesenta setenta ochenta noventa cien mil""",
    "it": """due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti
        trenta quaranta cinquanta sessanta settanta ottanta novanta cento mille""",
    "pt": """dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete dezoito dezenove vinte
        trinta quarenta cinquenta sessenta setenta oitenta noventa cem mil""",
    "pl": """dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście szesnaście
        siedemnaście osiemnaście dziewiętnaście dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt
        dziewięćdziesiąt sto tysiąc""",
    "ru": """два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать
        семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто сто тысяча""",
    "uk": """два три чотири п'ять шість сім вісім дев'ять десять одинадцять дванадцять тринадцять чотирнадцять п'ятнадцять шістнадцять
        сімнадцять вісімнадцять дев'ятнадцять двадцять тридцять сорок п'ятдесят шістдесят сімдесят вісімдесят дев'яносто сто тисяча""",
}  # fmt: skip
# The ordinals from the first on that are written before a name, each with the other ways to write it, and what is written behind digits.
ORDINALS = {
    "de": (".", "Erster/Erste/Erstes Zweiter/Zweite/Zweites Dritter/Dritte/Drittes Vierter/Vierte/Viertes Fünfter/Fünfte/Fünftes"),
    "fr": ("e ème er re ère nd nde", "Premier/Première Deuxième/Second/Seconde Troisième Quatrième Cinquième Sixième Septième Huitième Neuvième Dixième"),
    "es": ("ª .ª º .º a", "Primero/Primera/Primer Segundo/Segunda Tercero/Tercera/Tercer Cuarto/Cuarta Quinto/Quinta Sexto/Sexta Séptimo/Séptima"),
    "it": ("ª º a", "Primo/Prima Secondo/Seconda Terzo/Terza Quarto/Quarta Quinto/Quinta Sesto/Sesta Settimo/Settima Ottavo/Ottava"),
    "pt": ("ª .ª º .º a", "Primeiro/Primeira Segundo/Segunda Terceiro/Terceira Quarto/Quarta Quinto/Quinta Sexto/Sexta Sétimo/Sétima"),
    "ru": ("-я -й -е", "Первая/Первый/Первое Вторая/Второй/Второе Третья/Третий/Третье Четвёртая/Четвёртый Пятая/Пятый Шестая/Шестой"),
    "uk": ("-а -й -е", "Перша/Перший/Перше Друга/Другий/Друге Третя/Третій/Третє Четверта/Четвертий П'ята/П'ятий Шоста/Шостий"),
}  # fmt: skip

# What may stand before a person's name without being part of it.
TITLES = _table(
    """admiral archbishop archduchess archduke baron baroness bishop brother capt captain cardinal chancellor col colonel count countess
    czar dame doctor dr duchess duke earl emperor empress father gen general gov governor grand judge justice kaiser king lady lieutenant lord
    lt maharaja major marquess marshal mayor minister miss mister mother mr mrs ms pope pres president prime prince princess prof professor queen rev
    reverend saint sen senator sergeant sgt shah sheikh sir sister st sultan tsar viscount"""
)
PARTICLES = _table("af al bin da das de del della den der di dos du el ibn la le ten ter van von zu")
"""What joins the parts of a person's last name."""
NAME_PARTICLES = PARTICLES | {"of", "the", "y"}

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
SHORT_TITLES = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "prof": "professor", "rev": "reverend", "gen": "general", "capt": "captain",
    "sgt": "sergeant", "lt": "lieutenant", "col": "colonel", "gov": "governor", "sen": "senator", "pres": "president",
}  # fmt: skip
ABBREVIATIONS = {
    "vol": "volume",
    "st": "saint",
    "ste": "sainte",
    "mt": "mount",
    "ft": "fort",
    "pt": "point",
    **SHORT_TITLES,
}
ABBREVIATIONS_AT_END = {
    "jr": "junior", "sr": "senior", "bros": "brothers", "co": "company", "corp": "corporation", "assn": "association", "st": "street",
    "ave": "avenue", "rd": "road", "blvd": "boulevard", "mtn": "mountain", "mts": "mountains", "univ": "university",
}  # fmt: skip
COUNTRIES = {
    "United States of America": ("United States", "USA", "U.S.A."),
    "United States": ("US", "U.S.", "USA", "U.S.A."),
    "United Kingdom": ("UK", "U.K."),
    "United Nations": ("UN", "U.N."),
}

# British and American spellings of words in names.
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
        ardour ardor
        candour candor
        clamour clamor
        demeanour demeanor
        fervour fervor
        glamour glamor
        rancour rancor
        rigour rigor
        tumour tumor
        tumours tumors
        sceptic skeptic
        sceptics skeptics
        sulphur sulfur
        manoeuvre maneuver
        manoeuvres maneuvers
        moustache mustache
        pyjama pajama
        pyjamas pajamas
        foetus fetus
        ageing aging
        judgement judgment
        enrolment enrollment
        fulfilment fulfillment
        mould mold
        yoghurt yogurt"""
)

# Endings of nouns whose plural is not made with an s alone, and what they become.
IRREGULAR_PLURALS = _pairs(
    """wolf wolves leaf leaves knife knives life lives wife wives shelf shelves thief thieves loaf loaves calf calves half halves
    woman women man men foot feet goose geese mouse mice tooth teeth child children"""
)

# Places whose "University of X" and "X University" are two universities.
TWO_UNIVERSITIES = _table(
    """alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii houston idaho illinois indiana iowa
    kansas kentucky lincoln louisiana maine maryland massachusetts miami michigan minnesota mississippi missouri montana nebraska nevada
    ohio oklahoma oregon pennsylvania tennessee texas toledo utah vermont victoria virginia washington wisconsin wyoming york"""
) | {"new york"}

HAN_DIGITS = (
    {char: value for value, char in enumerate("〇一二三四五六七八九")}
    | dict.fromkeys("両两兩", 2)
    | {"零": 0}
)
HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
HAN_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}

SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


# What one unit is called, what it measures, and how many of the base unit it is.
UNITS = tuple(
    (*names.split(), *(part.strip() for part in rest))
    for names, *rest in (
        line.split("|")
        for line in """
        m metre metres meter meters 米 公尺 | length | 1
        km kms kilometre kilometres kilometer kilometers 公里 千米 км | length | 1000
        cm centimetre centimetres centimeter centimeters 厘米 | length | 1/100
        mm millimetre millimetres millimeter millimeters 毫米 | length | 1/1000
        mi mile miles | length | 1609344/1000
        yd yds yard yards | length | 9144/10000
        ft foot feet | length | 3048/10000
        inch inches | length | 254/10000
        nmi | length | 1852
        g gram grams gramme grammes 克 | mass | 1
        kg kgs kilogram kilograms kilogramme kilogrammes kilo kilos 公斤 千克 кг | mass | 1000
        mg milligram milligrams | mass | 1/1000
        tonne tonnes | mass | 1000000
        lb lbs pound pounds | mass | 45359237/100000
        oz ounce ounces | mass | 28349523125/1000000000
        ton tons | ton | 1
        stone | stone | 1
        l litre litres liter liters | volume | 1
        ml millilitre millilitres milliliter milliliters | volume | 1/1000
        gallon gallons gal | gallon | 1
        pint pints | pint | 1
        ha hectare hectares | length^2 | 10000
        acre acres | length^2 | 40468564224/10000000
        sec secs second seconds 秒 | time | 1
        min mins minute minutes 分钟 | time | 60
        hr hrs hour hours 小时 | time | 3600
        day days | time | 86400
        week weeks | time | 604800
        month months | months | 1
        year years yr yrs | months | 12
        decade decades | months | 120
        century centuries | months | 1200
        hz hertz | frequency | 1
        khz kilohertz | frequency | 1000
        mhz megahertz | frequency | 1000000
        ghz gigahertz | frequency | 1000000000
        watt watts | power | 1
        kw kilowatt kilowatts | power | 1000
        mw megawatt megawatts | power | 1000000
        volt volts | voltage | 1
        kb kilobyte kilobytes | bytes | 1000
        mb megabyte megabytes | bytes | 1000000
        gb gigabyte gigabytes | bytes | 1000000000
        tb terabyte terabytes | bytes | 1000000000000
        celsius centigrade | celsius | 1
        fahrenheit | fahrenheit | 1
        kelvin kelvins | kelvin | 1
        ° degree degrees | angle | 1
        """.strip().splitlines()
    )
)
