"""Turns and a dialect -> blocks: what each piece of a rollout is.

- In a record with roles, text of the policy outside any mark is a thought, but for the last of it after the last call, which
  is the answer. In one string without roles it is nothing, unless the dialect thinks without marks.
- A call of a finishing tool is the answer it carries.
- What the policy wrote between response marks in its own turn is no response where another turn can hold one.
- Nothing before the policy's first turn grounds or earns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reward_service.core.answers import ANSWER, found
from reward_service.core.trajectory.calls import CallReader, answer_in, without_json_calls
from reward_service.core.trajectory.containers import plain
from reward_service.core.trajectory.containers.native import calls_in_tokens, may_call_in_tokens
from reward_service.core.trajectory.dialects import DEFAULT_DIALECT, DIALECTS, PROMPT, Dialect
from reward_service.core.trajectory.endings import end_of_text
from reward_service.core.trajectory.grammars import Written
from reward_service.core.trajectory.marks import as_block, scan_blocks
from reward_service.core.trajectory.net import hide, may_hide
from reward_service.core.trajectory.values import (
    FOREIGN_MARKUP,
    RESPONSES_IN_POLICY_TURN,
    Author,
    Block,
    Part,
    Transcript,
    Turn,
)
from reward_service.core.types import Reading, SegmentKind

CALL, RESPONSE = SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE
_AS_FIELDS = (SegmentKind.THOUGHT, CALL)


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """Where a profile looks for the answer."""

    kinds: tuple[str, ...] = (ANSWER,)
    """Of `reward_service.core.answers.ANSWER_KINDS`."""
    tools: tuple[str, ...] = ()
    """Tools whose call is the answer."""
    may_be_cut: bool = False
    """An answer whose closing mark is missing at the end of the text is whole: a stop string has eaten the mark."""


@dataclass(slots=True)
class ReadTurn:
    """A turn, read."""

    author: Author
    texts: list[list[Block]]
    """The blocks of each part."""
    tails: list[str]
    """The end tokens of each part, which are no text but may close a mark."""

    @property
    def blocks(self) -> list[Block]:
        """All blocks of the turn, in order."""
        return self.texts[0] if len(self.texts) == 1 else [block for text in self.texts for block in text]


@dataclass(slots=True)
class Read:
    """A rollout, read."""

    turns: list[ReadTurn]
    written: Written
    """What a grammar judges, before anything is hidden."""
    flags: set[str]
    counts_own_responses: bool
    """Whether responses inside the policy's turns are the environment's."""


def _opens_thought(dialect: Dialect, reading: Reading) -> bool:
    return dialect.thought_open if reading.thought_open is None else reading.thought_open


def _finished(blocks: list[Block], rules: AnswerRules, read_call: CallReader) -> list[Block]:
    """Return blocks, calls of finishing tools as answers."""
    if not rules.tools:
        return blocks
    return [_answered(block, rules, read_call) if block.kind is CALL else block for block in blocks]


def _answered(block: Block, rules: AnswerRules, read_call: CallReader) -> Block:
    """Return a call, or the answer that it carries."""
    answer = answer_in(block.call or read_call(block.text), rules.tools)
    return block if answer is None else block._replace(kind=SegmentKind.ANSWER, text=answer, call=None)


def _response(text: str) -> Block:
    """Return what another author's turn brings as a block."""
    return as_block((RESPONSE, text, True, True, 0, False, None))


def _says_something(block: Block) -> bool:
    return bool((block.text and not block.text.isspace()) or block.call)


def _speaks(turn: ReadTurn) -> bool:
    return turn.author is Author.POLICY and any(map(_says_something, turn.blocks))


def _only_thinks(turn: ReadTurn) -> bool:
    return all(block.kind is SegmentKind.THOUGHT for block in turn.blocks if _says_something(block))


def _close_answer(blocks: list[Block], rules: AnswerRules) -> None:
    """Take an answer for whole that the end of the text has cut, where the profile says so."""
    if rules.may_be_cut and blocks and blocks[-1].kind is SegmentKind.ANSWER:
        blocks[-1] = blocks[-1]._replace(closed=True)


def _look_for_answer(blocks: list[Block], rules: AnswerRules) -> None:
    """Take text behind the last mark for the answer where a box or a phrase says that it is."""
    if not blocks or blocks[-1].kind is not None or found(blocks[-1].text, rules.kinds) is None:
        return
    if not any(block.kind is SegmentKind.ANSWER and block.opened for block in blocks):
        blocks[-1] = blocks[-1]._replace(kind=SegmentKind.ANSWER)


def _one_string(text: str, dialect_name: str, reading: Reading, rules: AnswerRules) -> Read:
    """Read one string without roles: text outside any mark is nothing, and a page is what its marks say."""
    dialect, end = DIALECTS[dialect_name], end_of_text(text)
    prompt = PROMPT.match(text)
    said = text[prompt.end() : end] if prompt else text[:end]
    cut = list(dialect.cut(said, in_thought=_opens_thought(dialect, reading)))
    blocks = _finished(cut, rules, dialect.read_call)
    _close_answer(blocks, rules)
    if rules.kinds != (ANSWER,):
        _look_for_answer(blocks, rules)
    left, is_foreign = hide(blocks, dialect_name, text[end:])
    written = Written([blocks], False, dialect.read_call, dialect.bad_call)  # noqa: FBT003  # without roles
    flags = {FOREIGN_MARKUP} if is_foreign else set()
    return Read([ReadTurn(Author.POLICY, [left], [])], written, flags, counts_own_responses=True)


class _Reader:
    """Reads the turns of one rollout in order."""

    def __init__(
        self, dialect_name: str, reading: Reading, rules: AnswerRules, transcript: Transcript
    ) -> None:
        self.dialect_name, self.reading, self.rules = dialect_name, reading, rules
        self.dialect: Dialect = DIALECTS[dialect_name]
        self.is_default = dialect_name == DEFAULT_DIALECT
        self.read_call = (self.is_default and transcript.read_call) or self.dialect.read_call
        self.speaking = (self.dialect,) if self.is_default else (self.dialect, DIALECTS[DEFAULT_DIALECT])
        """The dialects in whose marks others may answer."""
        self.transcript = transcript
        self.flags = set(transcript.flags)
        self.turns: list[ReadTurn] = []
        self.own_turns: list[ReadTurn] = []
        """The policy's."""
        self.is_thinking = _opens_thought(self.dialect, reading)
        """Whether the next text of the policy begins inside a thought."""
        self.has_spoken = self.has_just_called = False
        """Whether the policy has had a turn, and whether a call in its last one is answered by the user."""

    def read(self) -> Read:
        """Read every turn."""
        for turn in self.transcript.turns:
            if turn.author is Author.POLICY:
                said = self._policy(turn)
                self.own_turns.append(said)
            else:
                said = ReadTurn(turn.author, self._another(turn), [])
            self.turns.append(said)
        if self.dialect.marks.nested:
            self._go_on_thinking()
        if self.rules.may_be_cut:
            self._close_answer()
        self._name_free_text()
        if self.transcript.has_roles:
            self._end_with_the_answer()
        return self._hidden()

    def _policy(self, turn: Turn) -> ReadTurn:
        if SegmentKind.THOUGHT in [part.kind for part in turn.parts]:
            self.is_thinking = False
        elif self.reading.thought_open and not self.dialect.marks.nested:
            self.is_thinking = True
        said = ReadTurn(Author.POLICY, [], [])
        for part in turn.parts:
            end = end_of_text(part.text) if part.kind is None else len(part.text)
            blocks = self._part(part, end)
            said.texts.append(_finished(blocks, self.rules, self.read_call))
            said.tails.append(part.text[end:] + part.end)
        if len(said.texts) > 1:
            self._say_once(said)
        self.has_spoken = True
        self.has_just_called = self.dialect.user_answers and any(one.kind is CALL for one in said.blocks)
        return said

    def _say_once(self, said: ReadTurn) -> None:
        """Leave out calls and thoughts of fields that the text of the same message holds between marks as well."""
        written = [block for block in said.blocks if block.is_marked and block.kind in _AS_FIELDS]
        fields = [n for n, text in enumerate(said.texts) if text and not text[0].is_marked] if written else ()
        for n in fields:
            said.texts[n] = [block for block in said.texts[n] if not self._is_written(block, written)]

    def _is_written(self, block: Block, written: list[Block]) -> bool:
        if block.kind is not CALL:
            return any(block.kind is one.kind and block.text.strip() == one.text.strip() for one in written)
        calls = [self.read_call(one.text) for one in written if one.kind is CALL]
        return block.call is not None and block.call in calls

    def _part(self, part: Part, end: int) -> list[Block]:
        if part.kind is not None:
            if part.kind is SegmentKind.THOUGHT:
                self.is_thinking = False
                if self.dialect.marks.nested:
                    return self._reasoned(part.text)
            return [as_block((part.kind, part.text, True, True, 0, False, part.call))]
        blocks = list(self.dialect.cut(part.text[:end], in_thought=self.is_thinking))
        if self.is_default and may_call_in_tokens(blocks):
            blocks = [*self._around_calls(part.text[:end])]
        if self.dialect.marks.nested:
            self._go_on(blocks)
        elif blocks:
            self.is_thinking = False
        return blocks

    def _around_calls(self, text: str) -> Iterator[Block]:
        """Yield the blocks of a text that holds calls in a template's tokens."""
        in_thought = self.is_thinking
        for at, part in calls_in_tokens(text):
            if part.kind is None:
                for block in self.dialect.cut(part.text, in_thought=in_thought):
                    yield block._replace(at=at + block.at)
            else:
                yield Block(part.kind, part.text, at=at, call=part.call)
            in_thought = False

    def _reasoned(self, text: str) -> list[Block]:
        """Return the thought that a field holds, and the calls and responses that the dialect has inside thoughts."""
        blocks = scan_blocks(text, self.dialect.marks, in_thought=True)
        return [
            block._replace(closed=True, is_marked=False) if block.kind is SegmentKind.THOUGHT else block
            for block in blocks
        ]

    def _go_on(self, blocks: list[Block]) -> None:
        """Let a thought go on in the next text where calls are inside thoughts."""
        data = (CALL, RESPONSE)
        last = next((block for block in reversed(blocks) if block.kind not in data), None)
        if last is not None:
            self.is_thinking = last.kind is SegmentKind.THOUGHT and not last.closed

    def _another(self, turn: Turn) -> list[list[Block]]:
        """Return the responses in a turn of another author; before the policy's first turn there are none."""
        if not self.has_spoken:
            return []
        settled = [part.text for part in turn.parts if part.kind is RESPONSE]
        text = "".join([part.text for part in turn.parts if part.kind is None])
        if turn.author is Author.TOOL:
            settled += [text] if text else []
            return [[_response(one) for said in settled for one in self._unwrapped(said)]]
        responses = list(map(_response, settled))
        if turn.author is Author.PROMPT:
            responses += self._of_the_environment(text)
            self.has_just_called = False
        return [responses]

    def _of_the_environment(self, text: str) -> list[Block]:
        """Return the responses that a user's turn brings."""
        for dialect in self.speaking:
            if (found := dialect.responses(text)) is not None:
                return found
        label = self.dialect.response_label and self.dialect.response_label(text)
        if label is None and not self.has_just_called:
            return []
        return [_response(text if label is None else label)]

    def _unwrapped(self, text: str) -> list[str]:
        """Return a tool's words without the marks that enclose them, one text for each pair of marks."""
        bare = text.strip()
        if not bare.startswith("<"):
            return [text]
        for mark in (mark for dialect in self.speaking for mark in dialect.response_marks):
            if bare.startswith(mark.opens) and bare.endswith(mark.closes) and bare != mark.opens:
                inner = bare[len(mark.opens) : -len(mark.closes)]
                return re.split(rf"{re.escape(mark.closes)}\s*{re.escape(mark.opens)}", inner)
        return [text]

    def _go_on_thinking(self) -> None:
        """Take a thought for whole that goes on in a later text; only the last one can have been left open."""
        texts = [text for turn in self.own_turns for text in turn.texts if text]
        for text in texts[:-1]:
            if text[-1].kind is SegmentKind.THOUGHT:
                text[-1] = text[-1]._replace(closed=True)
                text[:] = [block for block in text if not block.is_blank_thought]

    def _close_answer(self) -> None:
        last = (text for turn in reversed(self.own_turns) for text in reversed(turn.texts) if text)
        _close_answer(next(last, []), self.rules)

    def _name_free_text(self) -> None:
        """Say what the policy's text outside any mark is: a thought, and the last of it the answer."""
        if all(block.kind for turn in self.own_turns for text in turn.texts for block in text):
            return
        place = self._place_of_answer()
        for turn in self.own_turns:
            for text in turn.texts:
                text[:] = [
                    block if block.kind else self._named(block, is_answer=block is place)
                    for block in text
                    if block.kind or (block.text and not block.text.isspace())
                ]

    def _named(self, block: Block, *, is_answer: bool) -> Block:
        """Return text outside any mark as the answer, or as a thought without the calls in it that have no mark."""
        if is_answer:
            return block._replace(kind=SegmentKind.ANSWER, is_marked=False)
        said = without_json_calls(block.text) if "{" in block.text else block.text
        if said != block.text:
            self.flags.add(FOREIGN_MARKUP)
        return block._replace(kind=SegmentKind.THOUGHT, text=said, is_marked=False)

    def _place_of_answer(self) -> Block | None:
        """Return the text that is the answer: in the policy's last turn, if no call follows and no mark holds an answer."""
        end, free = self._end_of_words(), None
        for place in range(end, -1, -1):
            for block in filter(_says_something, reversed(self.turns[place].blocks)):
                if block.kind is SegmentKind.ANSWER:
                    return None
                if block.kind in (CALL, RESPONSE):
                    return free
                if block.kind is None and place == end:
                    free = free or block
        return free

    def _end_of_words(self) -> int:
        """Return the place of the policy's last turn, before the thoughts that may follow it at once; -1 where it is silent."""
        end = len(self.turns) - 1
        while end >= 0 and not _speaks(self.turns[end]):
            end -= 1
        while end > 0 and self.turns[end - 1].author is Author.POLICY and _only_thinks(self.turns[end]):
            end -= 1
        return end

    def _end_with_the_answer(self) -> None:
        """Leave out what comes after the turn that gives the answer: the environment only says goodbye."""
        said = [turn for turn in self.own_turns if any(turn.texts)]
        if said and SegmentKind.ANSWER in [block.kind for block in said[-1].blocks]:
            while self.turns[-1] is not said[-1]:
                self.turns.pop()

    def _hidden(self) -> Read:
        """Cast the safety net, and leave out responses that the policy wrote itself."""
        written = Written(
            [turn.blocks for turn in self.own_turns],
            self.transcript.has_roles,
            self.read_call,
            self.dialect.bad_call,
        )
        counts_own = self._counts_own_responses()
        if not counts_own and any(block.kind is RESPONSE and block.is_marked for block in written.blocks):
            self.flags.add(RESPONSES_IN_POLICY_TURN)
        for turn in self.own_turns if may_hide(written.blocks) else ():
            for n, (text, tail) in enumerate(zip(turn.texts, turn.tails, strict=True)):
                turn.texts[n], is_foreign = hide(text, self.dialect_name, tail)
                if is_foreign:
                    self.flags.add(FOREIGN_MARKUP)
        return Read(self.turns, written, self.flags, counts_own)

    def _counts_own_responses(self) -> bool:
        """Return whether responses inside the policy's own turns are the environment's."""
        if not self.transcript.has_roles:
            return True
        if self.reading.responses_in_policy_turn is not None:
            return self.reading.responses_in_policy_turn
        others = (turn.blocks for turn in self.turns if turn.author is not Author.POLICY)
        return self.dialect.answers_itself and all(
            block.kind is not RESPONSE for blocks in others for block in blocks
        )


def read_string(text: str, dialect: str, reading: Reading, rules: AnswerRules) -> Read:
    """Return one string without roles, read; its marks alone tell the policy's words from a page. Arguments as in `read`."""
    if DIALECTS[dialect].has_free_text:
        return read(plain(text), dialect, reading, rules)
    return _one_string(text, dialect, reading, rules)


def read(transcript: Transcript, dialect: str, reading: Reading, rules: AnswerRules) -> Read:
    """Return a transcript, read: each turn's blocks with their meaning, and what a grammar judges.

    Args:
        transcript: the record with its authors told apart.
        dialect: a name in `DIALECTS`.
        reading: what the caller says about the text.
        rules: where the profile looks for the answer.
    """
    return _Reader(dialect, reading, rules, transcript).read()
