"""The table of characters."""

import numpy as np

from reward_service.matching.characters import Characters


def test_what_another_thread_entered_meanwhile_keeps_its_number() -> None:
    characters = Characters()
    (number,) = characters.numbers(np.array([0xE9]))

    characters._enter(0xE9)  # as one does that waited for the lock

    assert characters.numbers(np.array([0xE9])).tolist() == [number]
    assert len(characters.traits) == 2
