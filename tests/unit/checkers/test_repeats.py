"""`equal` where the text of the question is known: an answer may repeat it around a gold answer, and say nothing else."""

import pytest

from tests.unit.checkers.checking import check

# answer, gold answer, question
SAID = [
    ("Lima is the capital.", "Lima", "What is the capital of Peru?"),
    ("The treaty was signed in 1648.", "1648", "In which year was the treaty signed?"),
    ("The treaty was signed in the year 1648.", "1648", "When was the treaty signed?"),
    # another form of the question's verb
    ("Goya died in 1828.", "1828", "When did Goya die?"),
    ("The ship sank in 1628.", "1628", "When did the ship sink?"),
    ("The novel was written by Ann Lee.", "Ann Lee", "Who wrote the novel?"),
    ("The winner was Ann Lee.", "Ann Lee", "Who won the cup?"),
    ("The siege took place in 1683.", "1683", "When did the siege take place?"),
    # what the question asks for may be part of the name
    ("The Garonne River", "Garonne", "Which river runs through Bordeaux?"),
    ("Actress Ann Lee played the queen.", "Ann Lee", "Which actress played the queen?"),
    ("The Manx Shearwater is the breed of bird.", "Manx Shearwater", "What breed of bird is it?"),
    ("It was King Edward II.", "Edward II", "Who was king?"),
    # places and times
    ("in Leiden", "Leiden", "Where was she born?"),
    ("In Leiden.", "Leiden", "In which city was she born?"),
    ("It was built in 1648.", "1648", "When was it built?"),
    ("It was built by 1648.", "1648", "By what year was it built?"),
    # lists in another order
    (
        "The railway runs between Chile and Peru.",
        "Peru and Chile",
        "The railway runs between which countries?",
    ),
    ("It borders Chile, Peru and Brazil.", "Brazil, Chile and Peru", "Which countries does it border?"),
    # relations that the question asks for
    ("The mother of the director is Ann Lee.", "Ann Lee", "Who is the mother of the director?"),
    ("Bob is the brother of Ann Lee.", "Ann Lee", "Bob is the brother of whom?"),
    ("The director is the daughter of Ann Lee.", "Ann Lee", "Whose daughter is the director?"),
    ("These are kinds of horse.", "horse", "Shire and Arabian are kinds of?"),
    ("It is a kind of horse.", "horse", "What kind of animal is it, a Shire?"),
    ("McDonald's is the chain.", "McDonald's", "Which chain is it?"),
    ("It was the Battle of Leiden.", "Leiden", "By what name do we know the battle of the town?"),
    ("It is in the town of Leiden.", "Leiden", "Which town is it in?"),
    ("It's Ann Lee.", "Ann Lee", "Who wrote the novel?"),
    # stops and articles between capitals
    ('The title is "A Journey".', "A Journey", "What is the title?"),
    ("In December 1965, Ann Lee became President.", "Ann Lee", "In December 1965, who became President?"),
    # additions
    ('The film is "Casablanca" (1942).', "Casablanca", "Which film is it?"),
    ("The film is Casablanca. It was made in 1942.", "Casablanca", "Which film is it?"),
]
NOT_SAID = [
    ("New Mexico", "Mexico", "Where was she born?"),
    ("US Open", "Open", "Which tournament did she win?"),
    ("Lake Michigan", "Michigan", "In which state is the lake?"),
    ("Leiden University", "Leiden", "In which city is the university?"),
    ("The university is Leiden University.", "Leiden", "In which city is the university?"),
    ("On the Beach", "Beach", "Which novel did she write?"),
    ("He wrote On Beach.", "Beach", "Which novel did he write?"),
    ("This Beach", "Beach", "Which novel did she write?"),
    ("Ann Lee's brother", "Ann Lee", "Who is Bob Lee's brother?"),
    ("the brother of Ann Lee", "Ann Lee", "Who is the brother of Bob?"),
    ("She is the president of Leiden.", "Leiden", "Who is the president of the club?"),
    ("It was built by 1648.", "1648", "When was it built?"),
    ("It was built from 1648.", "1648", "When was it built?"),
    ("It was built before 1648.", "1648", "When was it built?"),
    ("It was built around 1648.", "1648", "When was it built?"),
    ("It was built in the 1640s.", "1640", "When was it built?"),
    ("The novel was written for Ann Lee.", "Ann Lee", "Who wrote the novel?"),
    ("The novel was written with Ann Lee.", "Ann Lee", "Who wrote the novel?"),
    ("The novel was sung by Ann Lee.", "Ann Lee", "Who wrote the novel?"),
    ("Ann Lee and her", "Ann Lee", "Who wrote the novel?"),
    ("It may be Ann Lee", "Ann Lee", "Who wrote the novel?"),
    ("If it was Ann Lee", "Ann Lee", "Who wrote the novel?"),
    ("Like Ann Lee", "Ann Lee", "Who wrote the novel?"),
    (
        "The railway runs between Chile and Oslo.",
        "Peru and Chile",
        "The railway runs between which countries?",
    ),
    ("It borders Chile or Peru.", "Chile and Peru", "Which countries does it border?"),
    ("It borders Chile, Peru and Brazil.", "Chile and Peru", "Which countries does it border?"),
    ("Goya was born in 1828.", "1828", "When did Goya die?"),
]


@pytest.mark.parametrize(("answer", "gold", "question"), SAID)
def test_an_answer_that_repeats_its_question_says_the_gold_answer(answer, gold, question):
    assert check("equal", answer, gold, text=question)


@pytest.mark.parametrize(("answer", "gold", "question"), NOT_SAID)
def test_a_word_beside_it_can_make_something_else_of_a_gold_answer(answer, gold, question):
    assert not check("equal", answer, gold, text=question)
