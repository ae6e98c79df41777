"""Names in the languages people train in: what a careful reader counts and what not, by language."""

from dataclasses import replace

import pytest

from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.matching.languages import of_name, of_question, of_text, primary
from tests.unit.matching.rollouts import EGRPO, asked, match, thought, tool


def matched(language: str | None, name: str, text: str) -> int:
    question = Question("", (), (Entity(name),), language=language)
    return match(question, thought(text)).matched


COUNTS = [
    ("ru", "Лев Толстой", "рукой Льва Толстого"),
    ("ru", "Павел Третьяков", "для Павла Третьякова"),
    ("ru", "Москва", "жил в Москве"),
    ("ru", "Александр Пушкин", "стихи Александра Пушкина"),
    ("ru", "Фёдор Михайлович Достоевский", "Фёдора Достоевского"),
    ("ru", "Достоевский Фёдор Михайлович", "Фёдор Достоевский"),
    ("ru", "Нижний Новгород", "в Нижнем Новгороде"),
    ("ru", "Google", "в Google"),
    ("uk", "Тарас Шевченко", "вірші Тараса Шевченка"),
    ("uk", "Київ", "до Києва"),
    ("uk", "Львів", "зі Львова"),
    ("uk", "Леся Українка", "твори Лесі Українки"),
    ("de", "Deutsches Museum", "im Deutschen Museum"),
    ("de", "Friedrich Schiller", "Friedrich Schillers Drama"),
    ("de", "Jürgen Müller", "Juergen Mueller"),
    ("de", "Juergen Mueller", "Jürgen Müller"),
    ("de", "Großglockner", "den Grossglockner"),
    ("tr", "Ankara", "Ankara'dan geldi"),
    ("tr", "Mustafa Kemal Atatürk", "Mustafa Kemal Atatürk’e"),
    ("tr", "İstanbul", "İSTANBUL'un"),
    ("fi", "Suomi", "Suomessa"),
    ("fi", "Helsinki", "Helsingissä"),
    ("fi", "Jean Sibelius", "Jean Sibeliuksen teos"),
    ("fi", "Alvar Aalto", "Alvar Aallon talo"),
    ("hu", "Budapest", "Budapestről"),
    ("hu", "Bartók Béla", "Bartók Bélának"),
    ("pl", "Adam Mickiewicz", "Adama Mickiewicza"),
    ("pl", "Kraków", "w Krakowie"),
    ("cs", "Praha", "v Praze"),
    ("cs", "Karel Čapek", "Karla Čapka"),
    ("el", "Νίκος Καζαντζάκης", "του Νίκου Καζαντζάκη"),
    ("el", "Αθήνα", "της Αθήνας"),
    ("hy", "Հայաստան", "Հայաստանի"),
    ("fr", "Élysée", "à l’Élysée"),
    ("fr", "Alexandre Dumas", "d'Alexandre Dumas"),
    ("it", "Aquila", "dell'Aquila"),
    ("en", "Hawai'i", "in Hawaii"),
    ("ar", "القاهرة", "وللقاهرة ثم للقاهرة"),
    ("ar", "محمد علي", "مُحَمَّد على"),
    ("ar", "أحمد شوقي", "احمد شوقي"),
    ("ar", "جامعة الأزهر", "بجامعة الأزهر"),
    ("fa", "علی", "علي"),
    ("he", "ירושלים", "בירושלים"),
    ("hi", "महात्मा गांधी", "महात्मा गाँधी"),
    ("hi", "2011", "२०११"),
    ("zh", "清华大学", "清華大學"),
    ("zh", "《史记》", "司马迁著史记"),
    ("zh", "第29届奥运会", "第二十九届奥运会"),
    ("zh", "一九四九年", "1949年"),
    ("zh", "1008年10月10日", "一〇〇八年十月十日"),
    ("zh", "第105号", "第一百〇五号"),
    ("zh", "第120号", "第一百二十号"),
    ("zh", "0度", "〇度"),
    ("zh", "上海", "上海的大学很多"),
    ("zh", "上海", "他住在上海市"),
    ("zh", "鲁迅", "鲁迅说过"),
    ("zh", "马可·波罗", "马可波罗"),
    ("ja", "渡辺謙", "渡邊謙"),
    ("ja", "渡辺謙", "渡邉謙"),
    ("ja", "2011年", "二〇一一年"),
    ("ja", "ヴァイオリン", "バイオリン"),
    ("ja", "バイオリン", "ヴァイオリン"),
    ("ja", "東京", "東京に行った"),
    ("ko", "서울대학교", "서울대학교에서부터"),
    ("ko", "서울 대학교", "서울대학교는"),
    ("ko", "대한민국", "대한 민국"),
    ("ko", "기생충", "기생충이었다고"),
    ("ko", "세종", "세종대왕은"),
    ("ko", "김연아", "김연아 선수와"),
    ("ko", "인천", "인천광역시에서"),
    ("ru", "Николай I", "указ Николая Первого"),
    ("ru", "Елизавета II", "Елизаветы Второй"),
    ("ru", "Александр Третий", "Александра III"),
    ("uk", "Єлизавета II", "Єлизавета Друга"),
    ("de", "Wilhelm II.", "Wilhelm der Zweite"),
    ("de", "Wilhelm der Zweite", "Wilhelm II."),
    ("fr", "Louis XVI", "Louis Seize"),
    ("es", "Alfonso X", "Alfonso Décimo"),
    ("it", "Umberto I", "Umberto Primo"),
    ("pt", "Pedro I", "Pedro Primeiro"),
    ("nl", "Willem II", "Willem de Tweede"),
    ("hu", "Ady Endre", "Endre Ady verse"),
    ("tr", "Bursa", "bursa'ya"),
    ("da", "Aabenraa", "Åbenrå"),
    ("de", "Deutscher Werkbund", "dem Deutschen Werkbund"),
    ("ko", "서울", "\u1109\u1165\u110b\u116e\u11af에서"),
]
DOES_NOT = [
    ("ru", "Иран", "Ирландия"),
    ("ru", "Надежда", "без надежды"),
    ("ru", "Лев Толстой", "Льва Троцкого"),
    ("uk", "Київ", "Кия"),
    ("de", "Bundesverfassungsgericht", "Bundesverfassungsgerichtsentscheidung"),
    ("tr", "Ankara", "Ankaragücü"),
    ("fi", "Turku", "Turkmenistan"),
    ("en", "Ankara", "Ankara'da"),
    ("fr", "Brien", "O'Brien"),
    ("ar", "عمر", "بعمر"),
    ("he", "דוד", "לדוד"),
    ("zh", "上海", "他在上海交通大学学习"),
    ("zh", "中山", "在中山陵附近"),
    ("zh", "鲁迅", "鲁迅博物館"),
    ("zh", "第29届", "第二十八届"),
    ("ja", "アン", "プランを立てた"),
    ("ja", "ロンドン", "ロンドンオリンピック"),
    ("ja", "東京", "東京大学で"),
    ("ja", "京都", "京都議定書"),
    ("zh", "东京", "东京条约"),
    ("ru", "Николай I", "Николая Второго"),
    ("ru", "Николай XIV", "Николай Первый"),
    ("fr", "Louis XVI", "Louis Quinze"),
    ("de", "Wien", "die Wiener Oper"),
    ("de", "Potsdam", "Potsdamer Platz"),
    ("hu", "Budapest", "Budapesti út"),
    ("tr", "Bursa", "bursalı"),
    ("ko", "김정은", "김정은하수"),
    ("ko", "대한민국", "대한민족"),
]


@pytest.mark.parametrize(("language", "name", "text"), COUNTS)
def test_a_reader_of_the_language_takes_it_for_the_name(language: str, name: str, text: str) -> None:
    assert matched(language, name, text) == 1


@pytest.mark.parametrize(("language", "name", "text"), DOES_NOT)
def test_a_reader_of_the_language_does_not(language: str, name: str, text: str) -> None:
    assert matched(language, name, text) == 0


def test_a_stem_never_lets_one_entity_stand_for_another() -> None:
    question = replace(asked("Александр Пушкин", "Александра Пушкина"), language="ru")
    (found,) = match(question, thought("Александра Пушкина")).matches
    assert (found.entity, found.channel) == (1, "exact")
    assert match(question, thought("Александру Пушкину")).matched == 0


def test_the_evidence_of_an_inflected_name_is_what_stands_in_the_text() -> None:
    question = replace(asked("Лев Толстой"), language="ru")
    (found,) = match(question, thought("Роман Льва Толстого.")).matches
    assert (found.channel, found.start, found.end) == ("inflected", 6, 19)


def test_an_inflected_echo_of_the_question_is_masked_in_any_case() -> None:
    question = replace(asked("Лев Толстой", "Москва", text="Где жил друг льва толстого?"), language="ru")
    assert match(question, thought("Лев Толстой")).masked == (0,)


def test_an_inflected_name_in_a_tool_response_grounds_it() -> None:
    question = replace(asked("Москва"), language="ru")
    group = [[tool("в Москве"), thought("Москва")]]
    (result,) = match_group(group, compile_question(question, replace(EGRPO, grounded=True)))
    assert (result.matched, result.grounded) == (1, 1)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Кто написал роман?", "ru"),
        ("Хто написав цей твір і коли його видано?", "uk"),
        ("Wer war der erste Präsident und wo wurde er geboren?", "de"),
        ("Kim bu romanı yazdı ve ne zaman?", "tr"),
        ("Which town is it?", "en"),
        ("Who filmed a war in which a king met a queen, before a film of a king?", "en"),
        ("I know that I met him when I was at war; who am I?", "en"),
        ("Is the battle of a war in which people die?", "en"),
        ("In welchem Land liegt der Nanga Parbat?", "de"),
        ("Cine a regizat acest film și unde este el?", "ro"),
        ("Qui est ce réalisateur qui a tourné le film ?", "fr"),
        ("ποιος το έγραψε;", "el"),
        ("谁写的？", "zh"),
        ("誰が書いた？", "ja"),
        ("누가 썼나?", "ko"),
        ("", "en"),
    ],
)
def test_a_language_is_told_by_script_and_by_telling_words(text: str, language: str) -> None:
    assert of_text(text) == language


def test_the_declared_language_counts_where_the_name_has_its_script() -> None:
    assert of_question(Question("Who?", language="uk-UA")) == "uk"
    assert of_name("Київ", "uk") == "uk"
    assert of_name("Dnipro", "uk") == "en"
    assert of_name("Москва", "en") == "ru"
    assert of_name("東京", "ja") == "ja"


def test_a_tag_is_read_up_to_its_first_subtag() -> None:
    assert [primary(tag) for tag in ("zh-Hant-TW", "TR", "de_AT")] == ["zh", "tr", "de"]


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("de", "Die sieben Raben", "Die 7 Raben"),
        ("de", "Die 7 Raben", "die sieben Raben"),
        ("de", "Erster Punischer Krieg", "im 1. Punischen Krieg"),
        ("de", "II. Vatikanisches Konzil", "Zweites Vatikanisches Konzil"),
        ("de", "3. Oktober 1990", "03.10.1990"),
        ("fr", "Les Quatre Cents Coups", "Les 4 Cents Coups"),
        ("fr", "Cinq mille ans", "5 000 ans"),
        ("fr", "Deuxième République", "la IIe République"),
        ("fr", "1er mai 1886", "le 1 mai 1886"),
        ("es", "Doce hombres sin piedad", "12 hombres sin piedad"),
        ("es", "Segunda República", "la 2.ª República"),
        ("it", "Otto donne e un mistero", "8 donne e un mistero"),
        ("it", "Terza guerra", "la III guerra"),
        ("pt", "Sete Samurais", "7 Samurais"),
        ("pt", "14 de julho de 1789", "14/7/1789"),
        ("nl", "Twaalf dagen", "12 dagen"),
        ("sv", "Fem myror", "5 myror"),
        ("pl", "Czterej pancerni", "Czterej pancerni"),
        ("pl", "Siedem dusz", "7 dusz"),
        ("ru", "Двенадцать стульев", "роман «12 стульев»"),
        ("ru", "Вторая мировая война", "во время 2-й мировой войны"),
        ("ru", "12 апреля 1961 года", "12.04.1961"),
        ("uk", "Сім самураїв", "7 самураїв"),
        (None, "9 novembre 1989", "1989-11-09"),
    ],
)
def test_numbers_and_dates_are_read_in_the_language_of_the_name(
    language: str | None, name: str, text: str
) -> None:
    assert matched(language, name, text) == 1


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("de", "Die sieben Raben", "die sechs Raben"),
        ("fr", "Deuxième République", "la IIIe République"),
        ("es", "Segunda República", "la Primera República"),
        ("ru", "Двенадцать стульев", "13 стульев"),
        ("fr", "Deux", "2"),
        ("en", "Les Trois Frères", "Les 3 Frères"),
        (None, "9 numembre 1989", "1989-11-09"),
    ],
)
def test_another_number_is_another_name(language: str | None, name: str, text: str) -> None:
    assert matched(language, name, text) == 0
