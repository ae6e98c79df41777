"""Text in many scripts, ordinary and hostile, for the laws of folding and matching."""

from hypothesis import strategies as st

# Names, inflections, initials, numbers, ligatures, emoji, lone marks, invisible characters, a lone surrogate.
LATIN = (
    "Marie",
    "Curie's",
    "Władysław",
    "América",
    "straße",
    "ŒUVRE",
    "don't",
    "J.R.R.",
    "AC/DC",
    "C++",
    "1,000",
    "2nd",
    "l'Élysée",
    "dell’Aquila",
    "l''s",
    "d'l'x",
    "1882September",
)
OTHERS = (
    "Москва",
    "Путина",
    "القاهرة",
    "دَمَشق",
    "नई दिल्ली",
    "习近平",
    "北京大学",
    "東京タワー",
    "がぎぐ",
    "ｶﾞｷﾞ",
    "김정은은",
    "\u1109\u1165\u110b\u116e\u11af",  # 서울, decomposed
    "\u1100\u1161\u11a8\u11a8",
    "ภาษาไทย",
    "مُحَمَّد",
    "أحمد",
    "२०११",
    "गाँधी",
    "臺灣",
    "邉",
)
ODD = (
    "½",
    "ﬁne",
    "ﷺ",
    "👩\u200d👧",
    "\u0301",
    "\u0e31",
    "\u3099",
    "''",
    "’s",
    "'s",
    "S'S",
    "\u200b",
    "İ",
    "ŉ",
    "Σς",
    "㎏",
    "\x01",
)
WORDS = (*LATIN, *OTHERS, *ODD, "\ud800", "\u0f71")
GLUE = ("", " ", "  ", "\n", ", ", "'", "-", "(", ")", "\u200d", "\u0301", "...", "、")

word = st.sampled_from(WORDS) | st.text(max_size=4)
hostile = st.builds(
    lambda char, times: char * times, st.sampled_from("\u0301\u0e31\u3099'が🙂$ aé"), st.integers(28, 66)
)


def _join(pieces: list[tuple[str, str]]) -> str:
    return "".join(text + glue for text, glue in pieces)


texts = st.lists(st.tuples(word | hostile, st.sampled_from(GLUE)), max_size=12).map(_join)
