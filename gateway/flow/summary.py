"""The results of many lines in few words: how many were carried out, and each that was not."""

from collections import Counter

from gateway.flow.ask import Result

MANY = 20
"""Up to so many results are told one by one."""
DONE = frozenset({"invited", "noted", "corrected", "reinvited", "already_invited", "reminded", "cancelled", "moved"})
"""What needs no word of its own among many."""
ANSWERS = frozenset({"status", "list", "directory", "patients", "read", "help"})
"""What was asked for, and is told whole."""


def summed_up(results: list[Result]) -> list[Result]:
    """The results as they are told: those of a long list counted, and the wrong ones named."""
    answers = [one for one in results if one["code"] in ANSWERS]
    results_of_list = [one for one in results if one["code"] not in ANSWERS]
    if len(results_of_list) <= MANY:
        return results
    counts = Counter(one["code"] for one in results_of_list if one["code"] in DONE)
    wrong = [one for one in results_of_list if one["code"] not in DONE]
    told = [{"line": one.get("line", ""), "code": one["code"], "why": one.get("why", "")} for one in wrong]
    changed = [one for one in results if one.get("changed")][:1]
    many = {**(changed[0] if changed else {}), "code": "many", "line": "", "counts": dict(counts), "wrong": told}
    return [many, *answers]
