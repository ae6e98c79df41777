from experiment import choices
from experiment.choices import decision, floor_holds, situation
from experiment.runs import packed
from experiment.second import DYNAMIC, FLOOR, GRPO, PAPER, TURN, UTILITY
from experiment.tables import difference_row, table

QUESTIONS = 64


def result(seed, right, *, rollouts=6400):
    """A result with that many of 64 questions right at the end, the first ones."""
    bits = "1" * right + "0" * (QUESTIONS - right)
    steps = {"groups_sampled": [16] * 50, "groups_with_signal": [1] * 5 + [16] * 45}
    return {
        "seed": seed,
        "evaluations": [{"step": 50, "rollouts": rollouts, "correct": packed(bits)}],
        "steps": steps,
    }


def results(*right, **more):
    return [result(16 + n, one, **more) for n, one in enumerate(right)]


def found(**lines):
    names = {
        "grpo": GRPO,
        "paper": PAPER,
        "floor": FLOOR,
        "dynamic": DYNAMIC,
        "turn": TURN,
        "utility": UTILITY,
    }
    return {("reward", "0.6 %", names[name]): line for name, line in lines.items()}


def test_the_best_of_the_methods_that_are_surely_ahead_is_chosen():
    there = found(
        grpo=results(20, 22, 21),
        paper=results(10, 12, 11),
        floor=results(50, 52, 51),
        dynamic=results(40, 44, 41, rollouts=12800),
    )

    row = decision(there, "0.6 %")

    assert row[:2] == ["6.2% of groups, p0 about 0.6 %", "`egrpo`"]
    higher, lower = row[2].split("Lower than GRPO: ")
    assert higher.startswith("Higher than GRPO: E-GRPO, floor +46.9 [")
    assert "2.0 times the rollouts" in higher
    assert lower.startswith("E-GRPO -15.6 [")


def test_a_tie_leaves_grpo():
    row = decision(found(grpo=results(20, 30, 25), floor=results(25, 25, 26)), "0.6 %")
    assert row[1] == choices.CHOICES[GRPO]
    assert row[2].startswith("Tied with GRPO: E-GRPO, floor")


def test_ties_of_variants_are_counted_and_their_other_differences_told():
    even = results(25, 25, 26)

    row = decision(
        found(grpo=results(20, 30, 25), floor=even, turn=even, utility=results(60, 61, 62)), "0.6 %"
    )

    assert row[1] == choices.CHOICES[UTILITY]
    assert row[2].startswith("Higher than GRPO: entity utility +")
    assert row[2].endswith('; 1 of the variants in "What else was tried".')
    assert "by turn" not in row[2]


def test_two_seeds_recommend_nothing():
    row = decision(found(grpo=results(20, 20), floor=results(60, 60)), "0.6 %")
    assert row[1:] == ["not known", "fewer than 3 seeds have finished"]


def test_a_situation_without_runs_is_named_by_its_p0():
    assert situation({}, "10 %") == "p0 about 10 %"


def test_differences_are_paired_by_seed():
    one, other = results(32, 32, 32), results(16, 48)
    assert difference_row("a", "b", one, other)[0][:3] == ["a", "b", "1 of 2"]
    assert difference_row("a", "b", one, []) == []


def test_the_floor_holds_only_if_it_is_ahead_in_the_middle_and_behind_nowhere():
    assert floor_holds({}).startswith("Whether the floor holds is not known.")
    assert floor_holds({"0.6 %": "tie"}).startswith("**The floor does not hold**: at p0 0.6 %")
    assert floor_holds({"0.6 %": "higher", "10 %": "lower"}).startswith(
        "**The floor does not hold**: at p0 10 %"
    )
    assert floor_holds({"0.6 %": "higher", "0.2 %": "tie"}) == (
        "**The floor holds** at p0 0.6 % and 0.2 %: higher than E-GRPO at 0.6 %, lower nowhere. "
        "Too few seeds have finished at p0 10 %."
    )


def test_a_table_without_rows_is_a_sentence():
    assert table(["a"], []) == "No run has finished yet."
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
