"""Which task a free sentence means: progress lines name tasks by id or by roughly their title."""

import re

from compass.blueprint.model import Blueprint, Task

ENOUGH = 0.6  # Share of a title's words that a sentence must hold to mean it.
_ID = re.compile(r"\bTask\s+(\d+(?:\.\d+)*)", re.IGNORECASE)
_ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|s|e)$")
_LITTLE = frozenset({"the", "for", "and", "with", "from", "into", "all", "use", "that", "this", "are", "has"})


def meant(blueprint: Blueprint, sentence: str) -> Task | None:
    """The task that a sentence names, by id or by most words of its title; None when it names none."""
    found = _ID.search(sentence)
    if found:
        return next((task for task in blueprint.everything() if task.task_id == found[1]), None)
    heard = _words(sentence)
    scored = [(_share(_words(task.title), heard), task) for task in blueprint.tasks()]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] >= ENOUGH else None


def related(one: str, other: str) -> bool:
    """Whether two short names share a telling word."""
    return bool(_words(one) & _words(other))


def _share(wanted: set[str], heard: set[str]) -> float:
    return len(wanted & heard) / len(wanted) if wanted else 0.0


def _words(text: str) -> set[str]:
    """The stems of the words: five letters without their ending, enough to see `created` and `create` as one."""
    words = re.findall(r"\w{3,}", text.lower())
    return {_ENDING.sub("", word)[:5] for word in words if word not in _LITTLE}
