"""What hostile and collapsed text costs: speed and memory of each kind.

    python -m benchmarks.degenerate

Every text is 1 MB in one thought, after a tool response that says the same, so that all guards have work. Slowest allowed: 3 MB/s,
or the status `too_costly`; time is the process's own, as the machine may be shared. Memory is the peak of Python's and numpy's allocations during one call.
"""

import time
import tracemalloc
from collections.abc import Callable

from benchmarks.report import Report
from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

EGRPO = shipped()["egrpo"].measure.matching
SIZE = 1_000_000
LEAST_SPEED = 3.0

NESTED = tuple(Entity(" ".join(["ab"] * n)) for n in range(1, 40))
PEOPLE = tuple(
    Entity(name)
    for name in (
        "Marie Curie",
        "Kazimierz Dolny",
        "Władysław Szpilman",
        "University of California",
        "Nidal Hasan",
    )
)
RUSSIANS = (Entity("Лев Толстой"), Entity("Анна Ахматова"), Entity("Нижний Новгород"))
KOREANS = (Entity("세종대왕"), Entity("서울대학교"), Entity("국립중앙박물관"))
HAN = (Entity("习近平"), Entity("北京大学"), Entity("中华人民共和国"))

TEXTS: dict[str, tuple[str, tuple[Entity, ...]]] = {
    "ordinary words": ("the quick brown fox jumps over the lazy dog and runs away ", PEOPLE),
    "one letter": ("a", PEOPLE),
    "one letter and spaces": ("a ", PEOPLE),
    "spaces": (" ", PEOPLE),
    "$": ("$", PEOPLE),
    "apostrophes": ("'", PEOPLE),
    "possessives": ("s's ", PEOPLE),
    "emoji": ("🙂", PEOPLE),
    "emoji families": ("👩\u200d👩\u200d👧", PEOPLE),
    "combining marks that vanish": ("\u0301", PEOPLE),
    "combining marks that stay": ("\u0e31", PEOPLE),
    "zero-width spaces": ("\u200b", PEOPLE),
    "longest ligature": ("ﷺ", PEOPLE),
    "the names, dense": ("Marie Curie Kazimierz Dolny ", PEOPLE),
    "near misses of one name": ("university of califormia ", PEOPLE),
    "near misses, all different": ("", PEOPLE),
    "first and last names alternating": ("Nidal Nidal Hasan ", PEOPLE),
    "middle names that do not fit": ("Nidal x Hasan ", PEOPLE),
    "alternating pieces of a pattern": (" universiof califor", PEOPLE),
    "a list without end": ("", PEOPLE),
    "capitals only": ("OSLO ROME LIMA ", PEOPLE),
    "nested names, 39 deep": ("ab ", NESTED),
    "places before class words": ("Oslo City Oslo House ", (Entity("Oslo"),)),
    "numbers cut in two": ("1.500 1,500 ", (Entity("500"), Entity("500 men"))),
    "inflected names, dense": ("Льва Николаевича Толстого Анне Ахматовой ", RUSSIANS),
    "inflected words that are no name": ("толстые анне ", RUSSIANS),
    "Hangul, the names": ("세종대왕이었습니다 서울 대학교에서 ", KOREANS),
    "Han, the names": ("习近平北京大学", HAN),
    "Han, one character": ("中", HAN),
    "voiced kana": ("が", HAN),
}


def _numbered(pattern: str) -> str:
    return "".join(
        pattern.format(chr(97 + i % 26) + chr(97 + i // 26 % 26) + chr(97 + i // 676 % 26))
        for i in range(SIZE // 20)
    )


GENERATED = {
    "near misses, all different": "university of {0}fornia ",
    "a list without end": "Oslo{0}, Rome {0}, ",
}


def text_of(kind: str) -> str:
    unit, _ = TEXTS[kind]
    text = _numbered(GENERATED[kind]) if kind in GENERATED else unit * (SIZE // len(unit.encode()))
    return text.encode()[:SIZE].decode(errors="ignore")


def peak_mb(run: Callable[[], object]) -> float:
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def row(kind: str) -> tuple[str, ...]:
    text, (_, entities) = text_of(kind), TEXTS[kind]
    compiled = compile_question(Question("", (), entities), EGRPO)
    group = [[Segment(SegmentKind.TOOL_RESPONSE, text), Segment(SegmentKind.THOUGHT, text)]]
    times = []
    for _ in range(3):
        start = time.process_time()
        (result,) = match_group(group, compiled, explain=True)
        times.append(time.process_time() - start)
    speed = 2 * len(text.encode()) / 1e6 / min(times)
    status = "too_costly" if result.too_costly else "scored"
    verdict = "ok" if speed >= LEAST_SPEED or result.too_costly else "TOO SLOW"
    return (
        kind,
        f"{speed:.1f}",
        f"{peak_mb(lambda: match_group(group, compiled, explain=True)):.0f}",
        status,
        str(result.matched),
        verdict,
    )


def main() -> None:
    """Print the table and keep it."""
    with Report("degenerate") as report:
        head = ("text", "MB/s", "peak MB", "status", "matched", "verdict")
        report.table(
            "1 MB of thought after 1 MB of the same as a tool response", head, [row(kind) for kind in TEXTS]
        )


if __name__ == "__main__":
    main()
