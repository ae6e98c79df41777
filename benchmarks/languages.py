"""How fast names are found in the languages that have rules of their own, and in English; part of `python -m benchmarks.speed`.

It imports nothing of the benchmarks, so that it can time another checkout: run with that checkout's folder as PYTHONPATH, it prints
milliseconds a text as JSON.
"""

import json
import time

from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

BYTES = 100_000
SECONDS = 0.5
# Names and a few sentences that name some of them, inflected or with particles.
LANGUAGES = {
    "English": (
        ("Marie Curie", "Kazimierz Dolny", "University of Warsaw", "Nidal Hasan", "New Mexico", "Blue Heron Corporation"),
        ("The page says that Marie Curie left in 1891, so I will look for the town first. It may be Kazimierz Dolny, which lies on the "
        "river; the museum there has 12,000 drawings. Next I search for the painter and for the year in which he moved to New Mexico. "),
    ),
    "Chinese": (
        ("鲁迅", "北京大学", "上海", "中华人民共和国", "第二十九届夏季奥林匹克运动会", "周杰伦"),
        ("资料显示,鲁迅在上海住了很多年,后来他的学生到北京大学教书。我先查一下这本小说是哪一年出版的,再看作者在什么地方出生。"
        "第29届夏季奥林匹克运动会在北京举行,他没有去上海交通大学。"),
    ),
    "Russian": (
        ("Лев Толстой", "Анна Ахматова", "Санкт-Петербург", "Третьяковская галерея", "Нижний Новгород", "Юрий Гагарин"),
        ("На странице сказано, что роман Льва Толстого вышел в 1869 году, а стихи Анны Ахматовой позже. Сначала я найду, кто родился в "
        "Нижнем Новгороде и когда он приехал в Санкт-Петербург; картина хранится в Третьяковской галерее. "),
    ),
    "Arabic": (
        ("القاهرة", "جامعة الأزهر", "نجيب محفوظ", "الإسكندرية", "بغداد"),
        "تقول الصفحة إن الكاتب ولد في القاهرة ودرس بجامعة الأزهر ثم سافر إلى بغداد، وبعد ذلك عاد للإسكندرية وكتب روايته الأولى عن المدينة. ",
    ),
    "Korean": (
        ("세종대왕", "서울대학교", "김대중", "국립중앙박물관", "봉준호", "부산"),
        ("문서에 따르면 김대중 대통령은 서울대학교에서 강연을 했고 부산에서 태어난 봉준호 감독이 영화를 만들었다. 먼저 국립중앙박물관이 언제 "
        "세워졌는지 찾아보고 나서 세종대왕의 기록을 확인한다. "),
    ),
}  # fmt: skip


def text_of(language: str) -> str:
    """Return so many bytes of the language's sentences."""
    sentences = LANGUAGES[language][1]
    return (sentences * (BYTES // len(sentences.encode()) + 1)).encode()[:BYTES].decode(errors="ignore")


def milliseconds(language: str) -> float:
    """Return the best time of finding the names of a language in its text, everything on, with spans."""
    question = Question("?", (), tuple(map(Entity, LANGUAGES[language][0])))
    compiled = compile_question(question, shipped()["egrpo"].measure.matching)
    group = [[Segment(SegmentKind.THOUGHT, text_of(language))]]
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        match_group(group, compiled, explain=True, nearest=False)
        best = min(best, time.perf_counter() - start)
    return 1000 * best


if __name__ == "__main__":
    print(json.dumps({language: milliseconds(language) for language in LANGUAGES}))
