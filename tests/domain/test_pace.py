"""How many mails a hop is given at once."""

from gateway.domain.pace import FIRST, MOST, Pace


def rounds(pace, count):
    """The pace after each of so many rounds that go well."""
    seen = []
    for _ in range(count):
        for _ in range(pace.at_once):
            pace.went_well()
        seen.append(pace.at_once)
    return seen


def test_it_doubles_up_to_a_cap():
    pace = Pace()
    assert pace.at_once == FIRST == 2
    assert rounds(pace, 5) == [4, 8, 16, MOST, MOST]


def test_it_halves_when_pushed_back_and_then_grows_by_one():
    pace = Pace()
    rounds(pace, 3)
    pace.pushed_back(pace.begin())
    assert pace.at_once == 8
    assert rounds(pace, 3) == [9, 10, 11]


def test_mails_that_fail_together_count_once_and_one_is_always_tried():
    pace = Pace()
    rounds(pace, 4)
    begun = [pace.begin() for _ in range(MOST)]
    for number in begun:
        pace.pushed_back(number)
    assert pace.at_once == MOST // 2
    for _ in range(10):
        pace.pushed_back(pace.begin())
    assert pace.at_once == 1
