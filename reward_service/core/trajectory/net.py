"""The safety net: what is inside a call or response mark of any dialect or template is never a thought.

It looks at what a dialect has left as thoughts or as text outside its marks, and cuts out the text between marks that it
knows from anywhere. So it can only lower credit. Rules:

- a mark counts wherever it closes, also in a later thought of the same turn; one that never closes hides the rest of its
  own thought and nothing more;
- what a page says between the declared dialect's own response marks is data, and opens and closes nothing;
- `<observation>` and `<code>` are marks only for the dialects that have them: others think in them; but an `<observation>`
  right behind a call is its response;
- a mark that the declared dialect does not have is foreign, which is said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from operator import itemgetter
from typing import NamedTuple

from reward_service.core.trajectory.containers.native import TEMPLATES
from reward_service.core.trajectory.dialects import DIALECTS
from reward_service.core.trajectory.values import Block
from reward_service.core.types import SegmentKind

_ONLY_WHERE_DECLARED = frozenset({"<observation>", "<code>"})
# Other marks in which models write calls and get responses: XML, perhaps with attributes, also of systems that are no dialect
# here (IKEA, O2-Searcher, ReTool, Tool-Star, Chain-of-Agents, CodeAct), and tokens of templates that are no container here (LFM2,
# Command A; Granite's and Phi-4's call token may have no end; Qwen-Agent's first template).
_MORE = (
    "invoke",
    "function_calls",
    "function_results",
    "function_response",
    "tool_result",
    "tool_results",
    "tool_output",
    "TOOL_RESPONSE",
    "context",
    "learnings",
    "interpreter",
    "python",
    "web_search",
    "crawl_page",
    "search_results",
    "search_result",
    "execute",
)
_MORE_TOKENS = (
    (r"<\|tool_response_start\|>", (r"<\|tool_response_end\|>",)),
    (r"<\|START_TOOL_RESULT\|>", (r"<\|END_TOOL_RESULT\|>",)),
    (r"✿FUNCTION✿", (r"✿RETURN✿:?",)),
)
# Systems and models that answer a call with `<observation>` right behind it; elsewhere others think in that.
_OBSERVATION = (
    r"</(?:search|tool_call|web_search|crawl_page|python|code|execute|action)>\s{0,9}<observation>",
    ("</observation>",),
)
_HARMONY = (
    (r"<\|start\|>(?!assistant)", (r"<\|end\|>",)),
    (r"<\|channel\|>[^<]*to=", (r"<\|call\|>", r"<\|end\|>")),
    (r"<\|start\|>assistant(?:<\|channel\|>)?[^<]*to=", (r"<\|call\|>", r"<\|end\|>")),
)
_FENCE = (r"```(?:tool_code|tool_output|output)\b", ("```",))
# Tokens of chat templates that hide nothing and have no place in what a policy writes.
_TURN_TOKENS = (
    r"<\|start\|>assistant", r"<\|channel\|>", r"<\|message\|>", r"<\|start_header_id\|>", r"<\|im_start\|>assistant",
    r"<\|im_assistant\|>", r"<start_of_turn>model", r"<\|turn>model", r"<[｜|]Assistant[｜|]>", r"<\|assistant\|>",
)  # fmt: skip
# A call spelled with ReAct's labels: the action and its input, or its brackets. It ends where the next thought begins.
_LINE = r"^[ \t]{0,9}(?:[#>*_-]{1,6}[ \t]{0,9})?"
_COLON = "[*_]{0,3}[ \\t]{0,9}[:：]"  # full-width, as models write it among Chinese
_REACT = re.compile(
    rf"{_LINE}Action(?: \d{{1,6}})?{_COLON}(?:[*_]{{0,3}}[ \t]{{0,9}}\w{{1,64}}\[|[^\n]*\n+{_LINE[1:]}Action [Ii]nput)",
    re.MULTILINE,
)
_REACT_END = re.compile(
    rf"{_LINE}(?:Thought|Final Answer)(?: \d{{1,6}})?{_COLON}", re.MULTILINE | re.IGNORECASE
)
_RESTATED = re.compile(r"^Calling tools:[\n ]\[", re.MULTILINE)


# Code between marks or in a fence, whole or cut, and its result (ReTool, ToRL).
_CODE = re.compile(
    r"<code>[^<]*(?:<(?!/?code>)[^<]*)*(?:</code>|\Z|(?=<code>))|```(?:python|py)\b[^`]*(?:`(?!``)[^`]*)*(?:```|\Z)"
)
_RESULT = re.compile(r"\s{0,9}(?:<(?:interpreter|result|observation)>|```(?:tool_output|output)\b)")
# What makes a bracket more than a bracket; it begins with one character, which is found fast.
_BRACKET = re.compile(r"\[(?:TOOL_|INST\]|SYSTEM_|AVAILABLE_|(?<=Calling tools:\n\[)|(?<=Calling tools: \[))")
# ReAct's label of a call. Where a lookahead follows, a pattern looks for its first character alone, which is fast.
_ACTION = re.compile(rf"A(?=ction(?: \d{{1,6}})?{_COLON})")
_FENCED = re.compile(_FENCE[0])
_OBSERVES = re.compile(r"\s{0,9}<observation>")
RESPONSE = SegmentKind.TOOL_RESPONSE
_SEARCHED = (SegmentKind.THOUGHT, None)


class _Mark(NamedTuple):
    """What opens and what closes a stretch, as regular expressions; nothing closes a mark that hides nothing."""

    opens: str
    closes: tuple[str, ...]


class _Token(NamedTuple):
    """One mark in a text."""

    start: int
    end: int
    opened: int | None
    """Which mark it opens, if it does."""
    closed: frozenset[int]
    """Which marks it closes."""


def _angled(opens: str, closes: str) -> _Mark:
    return _Mark(re.escape(opens), (re.escape(closes),))


@cache
def _always() -> tuple[_Mark, ...]:
    """Return the marks that count under every dialect."""
    spelled = [mark for dialect in DIALECTS.values() for mark in dialect.data_marks]
    marks = [_angled(one.opens, one.closes) for one in spelled if one.opens not in _ONLY_WHERE_DECLARED]
    marks += [_Mark(rf"<{name}(?=[\s>])", (f"</{name}>",)) for name in _MORE]
    marks += [_Mark(*one) for template in TEMPLATES.values() for one in template.data_marks]
    marks += [_Mark(*one) for one in (*_HARMONY, *_MORE_TOKENS, _FENCE, _OBSERVATION)]
    return tuple(dict.fromkeys(marks))


@dataclass(frozen=True, eq=False)
class Net:
    """The marks that are looked for under one dialect."""

    marks: tuple[_Mark, ...]
    kinds: Mapping[int, SegmentKind]
    """Those of the dialect itself, by number."""

    @cached_property
    def patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """Any mark, one pattern for each character that one can begin with, beside it."""
        every = dict.fromkeys(
            one for mark in self.marks for one in (mark.opens, *mark.closes)
        ) | dict.fromkeys(_TURN_TOKENS)
        by_lead: dict[str, list[str]] = {}
        for one in every:
            lead = one[:2] if one[0] == "\\" else one[0]
            by_lead.setdefault(lead, []).append(one.removeprefix(lead))
        # Longest first: of two marks that begin alike the one that says more is meant.
        return tuple(
            (lead[-1], re.compile(f"{lead}(?:{'|'.join(sorted(rest, key=len, reverse=True))})"))
            for lead, rest in by_lead.items()
        )

    @cached_property
    def observation(self) -> int:
        """The mark of what answers a call right behind it."""
        return self.marks.index(_Mark(*_OBSERVATION))

    @cached_property
    def _fences(self) -> frozenset[int]:
        """The mark whose end is also that of any other code."""
        return frozenset({self.marks.index(_Mark(*_FENCE))})

    @cached_property
    def _opening(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(mark.opens) for mark in self.marks)

    @cached_property
    def _closing(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile("|".join(mark.closes)) for mark in self.marks)

    def tokens(self, text: str) -> list[_Token]:
        """Return the marks in a text, in order."""
        meaning: dict[str, tuple[int | None, frozenset[int]]] = {}
        found: list[_Token] = []
        for lead, pattern in self.patterns:
            for mark in pattern.finditer(text) if lead in text else ():
                if mark[0] not in meaning:
                    meaning[mark[0]] = self._meaning(text, mark.start())
                found.append(_Token(mark.start(), mark.end(), *meaning[mark[0]]))
        found.sort(key=itemgetter(0))
        return found

    def _meaning(self, text: str, at: int) -> tuple[int | None, frozenset[int]]:
        opened = next((n for n, pattern in enumerate(self._opening) if pattern.match(text, at)), None)
        return opened, frozenset(n for n, pattern in enumerate(self._closing) if pattern.match(text, at))

    def is_foreign(self, token: _Token) -> bool:
        """Return whether a mark is none of the dialect's."""
        if token.opened is not None:
            return token.opened not in self.kinds
        return token.closed.isdisjoint(self.kinds) and token.closed != self._fences

    def own_of(self, kind: SegmentKind) -> frozenset[int]:
        """Return the dialect's own marks of a kind."""
        return frozenset(n for n, one in self.kinds.items() if one is kind)


@cache
def net_of(dialect: str) -> Net:
    """Return the net under a dialect."""
    declared = {_angled(mark.opens, mark.closes): mark.kind for mark in DIALECTS[dialect].data_marks}
    own = {mark.opens for mark in declared}
    marks = (*declared, *(mark for mark in _always() if mark.opens not in own))
    return Net(marks, {n: kind for n, mark in enumerate(marks) if (kind := declared.get(mark))})


class _Span(NamedTuple):
    start: int
    end: int


def _is_searched(block: Block) -> bool:
    """Return whether a block may hold marks: a thought, or what no mark says anything about."""
    return block.kind in _SEARCHED or not block.is_marked


def _labelled(text: str, at: int) -> Iterator[_Span]:
    """Yield calls that are written with labels, and what follows them up to the next thought."""
    start = 0
    while label := _ACTION.search(text, start):
        line = text.rfind("\n", start, label.start()) + 1
        call = _REACT.match(text, max(line, start))
        if call is None:
            start = label.end()
            continue
        end = _REACT_END.search(text, call.end())
        start = end.start() if end else len(text)
        yield _Span(at + call.start(), at + start)
    if "[" in text and "Calling tools:" in text and (call := _RESTATED.search(text)):
        yield _Span(at + call.start(), at + len(text))


def _run_code(text: str, at: int) -> Iterator[_Span]:
    """Yield code that is a call: what has its result right behind it, and any code after it."""
    is_run = False
    for code in _CODE.finditer(text) if "code>" in text or "```py" in text else ():
        is_run = is_run or _RESULT.match(text, code.end()) is not None
        if is_run:
            yield _Span(at + code.start(), at + code.end())


def _is_page(block: Block) -> bool:
    return block.kind is RESPONSE and block.closed and block.opened


class _Spans:
    """Finds the stretches between marks in the blocks of one text."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.found: list[_Span] = []
        self.opened: dict[int, _Span] = {}
        """Marks that are open, each with what it hides if it never closes."""
        self.is_foreign = self.is_behind_call = False

    def look(self, block: Block) -> None:
        """Go through one block."""
        if _is_page(block):
            self.is_behind_call = False
            return
        self._look_behind_a_call(block)
        if block.kind and not block.opened and not block.text:
            self._close(self.net.own_of(block.kind), block.at)
        is_searched = _is_searched(block)
        for token in self.net.tokens(block.text):
            self.is_foreign |= is_searched and self.net.is_foreign(token)
            self._close(token.closed, block.at + token.end)
            if token.opened is not None:
                rest = _Span(block.at + token.start, block.at + len(block.text))
                self.opened.setdefault(token.opened, rest)
        if is_searched:
            unmarked = [*_labelled(block.text, block.at), *_run_code(block.text, block.at)]
            self.is_foreign |= bool(unmarked)
            self.found += unmarked

    def _look_behind_a_call(self, block: Block) -> None:
        """Open what answers a call that the dialect has cut out."""
        behind = self.is_behind_call and _OBSERVES.match(block.text)
        if behind and _is_searched(block):
            self.opened.setdefault(self.net.observation, _Span(block.at, block.at + len(block.text)))
            self.is_foreign = True
        self.is_behind_call = block.kind is SegmentKind.TOOL_CALL

    def _close(self, marks: frozenset[int], at: int) -> None:
        self.found += [_Span(self.opened.pop(n).start, at) for n in marks & self.opened.keys()]

    def end(self, tail: str, at: int) -> list[_Span]:
        """Return all stretches in order, given the tokens behind the text."""
        for token in self.net.tokens(tail) if self.opened else ():
            self._close(token.closed, at)
        return sorted([*self.found, *self.opened.values()])


def _outside(block: Block, spans: Sequence[_Span]) -> Iterator[Block]:
    """Yield what is left of a thought outside the spans, which are in order."""
    at, end = block.at, block.at + len(block.text)
    for span in spans:
        if at < span.start < end:
            yield block._replace(text=block.text[at - block.at : span.start - block.at], at=at)
        at = max(at, min(span.end, end))
    if at < end:
        yield block._replace(text=block.text[at - block.at :], at=at)


def _merged(spans: Sequence[_Span]) -> list[_Span]:
    """Return spans, which are in order, those that overlap as one."""
    merged = [spans[0]]
    for span in spans[1:]:
        last = merged[-1]
        if span.start <= last.end:
            merged[-1] = _Span(last.start, max(last.end, span.end))
        else:
            merged.append(span)
    return merged


def _may_hold_marks(text: str) -> bool:
    """Return whether a text may hold marks; most thoughts do not, and are known by a look at single characters."""
    if "<" in text or _ACTION.search(text):
        return True
    if (bracket := text.find("[")) >= 0 and _BRACKET.search(text, bracket):
        return True
    if "`" in text and _FENCED.search(text):
        return True
    return ("~" in text and "]~b]" in text) or "✿" in text


def may_hide(blocks: Iterable[Block]) -> bool:
    """Return whether blocks, of any texts, may hold marks: of most rollouts none does, which one look at all of them tells."""
    searched = [block.text for block in blocks if block.kind is not RESPONSE or not _is_page(block)]
    return _may_hold_marks("\n".join(searched))  # a label begins a line, and so does a block


def hide(blocks: list[Block], dialect: str, tail: str = "") -> tuple[list[Block], bool]:
    """Take out of thoughts the text between call or response marks of any kind.

    Args:
        blocks: those of one text of the policy, in order.
        dialect: the declared one.
        tail: tokens behind them that are no text, but may close a mark.

    Returns:
        The blocks that are left, and whether there was a mark that the dialect does not have.
    """
    if not may_hide(blocks):
        return blocks, False
    looking = _Spans(net_of(dialect))
    for block in blocks:
        looking.look(block)
    spans = looking.end(tail, max((block.at + len(block.text) for block in blocks), default=0))
    if not spans:
        return blocks, looking.is_foreign
    merged = _merged(spans)
    left: list[Block] = []
    at = 0
    for block in blocks:
        if block.kind is not SegmentKind.THOUGHT:
            left.append(block)
            continue
        while at < len(merged) and merged[at].end <= block.at:
            at += 1
        end = block.at + len(block.text)
        stop = at
        while stop < len(merged) and merged[stop].start < end:
            stop += 1
        touched = merged[at:stop]
        left += [one for one in _outside(block, touched) if one.text.strip()] if touched else [block]
    return left, looking.is_foreign
