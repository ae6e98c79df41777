from concurrent.futures import ThreadPoolExecutor

import numpy as np

from reward_service.core.matching.characters import Characters


def test_threads_that_meet_the_same_characters_at_once_number_each_once() -> None:
    characters, codes = Characters(), np.arange(0x400, 0x500)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: characters.numbers(codes).tolist(), range(16)))
    assert all(result == results[0] for result in results)
    assert sorted(results[0]) == list(range(1, len(codes) + 1))
