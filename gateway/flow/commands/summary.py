"""The results of many lines in few words: how many were carried out, and each that was not."""

from collections import Counter
from dataclasses import replace

from gateway.flow.results import Result, ResultCode, WrongLine

MANY = 20
"""Up to so many results are told one by one."""
DONE = frozenset(
    {
        ResultCode.INVITED,
        ResultCode.NOTED,
        ResultCode.CORRECTED,
        ResultCode.REINVITED,
        ResultCode.ALREADY_INVITED,
        ResultCode.REMINDED,
        ResultCode.CANCELLED,
        ResultCode.MOVED,
    }
)
"""What needs no word of its own among many."""
ANSWERS = frozenset(
    {ResultCode.STATUS, ResultCode.LIST, ResultCode.DIRECTORY, ResultCode.PATIENTS, ResultCode.READ, ResultCode.HELP}
)
"""What was asked for, and is told whole."""


def summed_up(results: list[Result]) -> list[Result]:
    """The results as they are told: those of a long list counted, and the wrong ones named."""
    answers = [one for one in results if one.code in ANSWERS]
    results_of_list = [one for one in results if one.code not in ANSWERS]
    if len(results_of_list) <= MANY:
        return results
    counts = Counter(one.code for one in results_of_list if one.code in DONE)
    wrong = [one for one in results_of_list if one.code not in DONE]
    told = tuple(WrongLine(line=one.line, code=one.code, why=one.why) for one in wrong)
    first = next((one for one in results if one.changed), Result(code=ResultCode.MANY))
    counted = {code.value: count for code, count in counts.items()}
    many = replace(first, code=ResultCode.MANY, line="", person=None, counts=counted, wrong=told)
    return [many, *answers]
