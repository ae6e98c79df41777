"""`equal`: the answer says a gold answer and nothing else."""

import pytest

from tests.unit.checkers.checking import check

# answer, gold answer; each line is one rule.
SAME = [
    # one reading
    ("O’Brien", "O'Brien"),
    ("cafe\u0301", "café"),
    ("Tom &amp; Jerry", "Tom and Jerry"),
    ("１９８４年", "1984"),
    ("“Dune”", "Dune"),
    ("《红楼梦》", "红楼梦"),
    ("《三国演义》", "三国演义"),
    ("京都。", "京都"),
    ("Kyo\u200bto", "Kyoto"),
    ("**Kyoto**", "Kyoto"),
    ("`Kyoto`", "Kyoto"),
    ("[Kyoto](https://a.example/k)", "Kyoto"),
    ("Kyoto [1]", "Kyoto"),
    ("<b>Kyoto</b>", "Kyoto"),
    ("Kyoto<|im_end|>", "Kyoto"),
    (r"$\boxed{\text{Kyoto}}$", "Kyoto"),
    ("The final answer is: Kyoto.", "Kyoto"),
    ("答案是：京都", "京都"),
    ("the beatles", "Beatles"),
    ("Spiderman", "Spider-Man"),
    ("FBI", "F.B.I."),
    ("JRR Tolkien", "J. R. R. Tolkien"),
    ("Malcolm X.", "Malcolm X"),
    ("Saint Louis", "St. Louis"),
    ("Wall Street", "Wall St."),
    ("Fort Worth", "Ft. Worth"),
    ("number 1", "No. 1"),
    ("#1", "No. 1"),
    ("The The", "the the"),
    ("?", "?"),
    # numbers
    ("7.50", "7.5"),
    ("12,000", "12000"),
    ("12 000", "12,000"),
    ("1,00,000", "100000"),
    ("1.000.000", "1000000"),
    ("1'000'000.5", "1,000,000.5"),
    ("forty-two", "42"),
    ("two hundred and six", "206"),
    ("a hundred", "100"),
    ("three dozen", "36"),
    ("nineteen eighty-four", "1984"),
    ("2.5 million", "2,500,000"),
    ("4 bn", "4 billion"),
    ("minus four", "-4"),
    ("three point one four", "3.14"),
    ("one half", "1/2"),
    ("two thirds", "2/3"),
    ("3½", "3.5"),
    ("21st", "twenty-first"),
    ("Rocky II", "Rocky 2"),
    ("George the Sixth", "George VI"),
    ("super bowl xlii", "Super Bowl 42"),
    ("第二十九届", "第29届"),
    ("三百万", "3000000"),
    ("二〇〇八年", "2008年"),
    ("一亿二千万", "120000000"),
    ("007", "007"),
    ("1" * 50, "1" * 50),
    ("一" * 50, "一" * 50),
    # quantities
    ("30 percent", "30%"),
    ("thirty per cent", "30 %"),
    ("US$ 3 million", "3 million dollars"),
    ("$2.5m", "$2,500,000"),
    ("20 euros", "€20"),
    ("4 km", "4,000 metres"),
    ("250 sq. km", "250 square kilometres"),
    ("5 km²", "5 square kilometers"),
    ("3 cubic metres", "3 m^3"),
    ("2 metres squared", "2 m2"),
    ("90 km/h", "25 metres per second"),
    ("60 mph", "60 miles per hour"),
    ("-5 °C", "minus 5 degrees Celsius"),
    ("six feet", "6 ft"),
    ("90 minutes", "1.5 hours"),
    ("45 degrees", "45°"),
    # dates
    ("4 July 1776", "July 4, 1776"),
    ("Thursday, 4th of July, 1776", "1776-07-04"),
    ("04.07.1776", "4 July 1776"),
    ("13/02/2004", "02/13/2004"),
    ("4. Juli 1776", "July 4, 1776"),
    ("4 de julio de 1776", "4 July 1776"),
    ("1776年7月4日", "July 4, 1776"),
    ("1776 July 4", "July 4, 1776"),
    ("July the 4th", "4 July"),
    ("July of 1776", "July 1776"),
    ("79 AD", "AD 79"),
    ("1914-18", "1914–1918"),
    ("from 1914 to 1918", "1914 - 1918"),
    ("between 1914 and 1918", "1914-18"),
    # lists
    ("Peru, Chile and Brazil", "Brazil, Chile and Peru"),
    ("1. Chile\n2. Peru", "Peru & Chile"),
]
# answer, gold answer: further forms, of the gold answer alone.
ALSO = [
    ("Peoples Party", "People's Party"),
    ("Yes, all of them.", "yes"),
    ("No, they were not.", "No"),
    ("Nope.", "no"),
    ("是的。", "是"),
    ("Lyon", "Lyon, France"),
    ("Ann Bell", "Ann Bell, Texas, USA"),
    ("Akrotiri", "Akrotiri or Dhekelia"),
    ("mid-1950", "by mid-1950"),
    ("1750", "from around 1750"),
    ("Lyon, France", "in Lyon, France"),
    ("25,000", "25,000 spectators"),
    ("twelve", "twelve angry men"),
    ("Henry IV", "King Henry IV"),
    ("Isaac Newton", "Sir Isaac Newton"),
    ("Babe Ruth", 'George "Babe" Ruth'),
    ("George Ruth", "George (Babe) Ruth"),
    ("John Adams", "John Quincy Adams"),
    ("Vincent van Gogh", "Vincent Willem van Gogh"),
    ("Sir William Smith", "Sir William Henry Smith"),
    ("W. E. Gladstone", "William Ewart Gladstone"),
    ("William E. Gladstone", "William Ewart Gladstone"),
    ("UNESCO", "United Nations Educational, Scientific and Cultural Organization"),
]
OTHER = [
    ("25", "2.5"),
    ("4", "-4"),
    ("-4", "4"),
    ("30", "30%"),
    ("0.3", "30%"),
    ("20", "$20"),
    ("£20", "$20"),
    ("2:3", "23"),
    ("3:2", "2:3"),
    ("C", "C++"),
    ("C#", "C++"),
    ("O+", "O-"),
    ("GMT+5", "GMT-5"),
    ("102", "10²"),
    ("1,5", "15"),
    ("7", "007"),
    ("50/50", "1"),
    ("3 million", "3 billion"),
    ("5 miles", "5 km"),
    ("5 m", "5 m²"),
    ("5 °F", "5 °C"),
    ("2 hours", "2"),
    ("6 October", "5 October"),
    ("4 July 1777", "4 July 1776"),
    ("July 1776", "4 July 1776"),
    ("79 BC", "79 AD"),
    ("1914-19", "1914-18"),
    ("02/03/2004", "2 March 2004"),
    ("31.13.2004", "31 December 2004"),
    ("1950", "before 1950"),
    ("1950", "after 1950"),
    ("before 1950", "1950"),
    ("5 to 10", "5 to 10 km"),
    ("12", "12 angry gold"),
    ("of Persia Remake", "Prince of Persia Remake"),
    ("Peru and Chile", "Peru, Chile and Brazil"),
    ("Peru, Chile and Oslo", "Peru, Chile and Brazil"),
    ("Peru", "Peru, Chile and Brazil"),
    ("Believe It", "Believe It or Not"),
    ("Oslo City Hall", "Oslo"),
    ("John Quincy Adams", "John Adams"),
    ("Lewis", "C. S. Lewis"),
    ("John", "Fleming, Sir John"),
    ("Not Kyoto", "Kyoto"),
    ("It is not Kyoto.", "Kyoto"),
    ("Kyoto or Nara", "Kyoto"),
    ("Perhaps Kyoto", "Kyoto"),
    ("不是京都", "京都"),
    ("No idea", "no"),
    ("No information was found.", "no"),
    ("No, I could not find it.", "no"),
    ("Yes and no", "yes"),
    ("Yes", "no"),
    ("yes", "Kyoto"),
    ("", "Kyoto"),
    ("<|im_end|>", "Kyoto"),
    ("!", "?"),
    ("Kyoto " * 20_000, "Kyoto"),
]


@pytest.mark.parametrize(("answer", "gold"), SAME)
def test_one_answer_in_two_spellings_is_one_both_ways(answer, gold):
    assert check("equal", answer, gold)
    assert check("equal", gold, answer)


@pytest.mark.parametrize(("answer", "gold"), ALSO)
def test_a_gold_answer_has_further_forms(answer, gold):
    assert check("equal", answer, gold)
    assert check("equal", gold, gold)


@pytest.mark.parametrize(("answer", "gold"), OTHER)
def test_another_answer_is_wrong(answer, gold):
    assert not check("equal", answer, gold)


ASKED = "Which city was the capital of Japan before Tokyo, and was not on the coast?"


@pytest.mark.parametrize(
    ("answer", "correct"),
    [
        ("The capital of Japan before Tokyo was Kyoto.", True),
        ("Kyoto was the capital.", True),
        ("The city, not on the coast, was Kyoto.", True),
        ("The capital of Japan before Tokyo was not Kyoto.", False),
        ("The capital was Kyoto or Nara.", False),
        ("The capital was perhaps Kyoto.", False),
        ("The capital was Kyoto, then Nara.", False),
        ("The capital was Tokyo.", False),
        ("The capital of Japan was Kyoto. " * 12, False),
    ],
)
def test_an_answer_may_repeat_the_question_around_a_gold_one(answer, correct):
    assert check("equal", answer, "Kyoto", text=ASKED) is correct


def test_a_question_that_offers_its_answers_gives_none_away():
    asked = "Which city is larger, Kyoto or Nara?"

    assert not check("equal", "Nara is larger than Kyoto.", "Kyoto", text=asked)


def test_a_gold_answer_may_begin_with_words_of_the_question():
    assert check("equal", "It was the Kyoto Protocol.", "Kyoto Protocol", text="What was signed in Kyoto?")


def test_any_gold_answer_will_do():
    assert check("equal", "Nara", "Kyoto", "Nara")
    assert not check("equal", "Nara")
