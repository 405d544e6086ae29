"""Levenshtein distance, a whole row of its table per step (Hyyrö 2003, on Python's integers of any length)."""


def edit_distance(first: str, second: str) -> int:
    """Smallest number of inserted, deleted or replaced characters that turns one text into the other."""
    if first == second:
        return 0
    # The loop runs over the shorter text; the longer one lies across the bits.
    text, pattern = sorted((first, second), key=len)
    if not text:
        return len(pattern)
    positions: dict[str, int] = {}
    for i, character in enumerate(pattern):
        positions[character] = positions.get(character, 0) | 1 << i
    full, last = (1 << len(pattern)) - 1, 1 << (len(pattern) - 1)
    increases, decreases, distance = full, 0, len(pattern)
    for character in text:
        equal = positions.get(character, 0)
        diagonal = (((equal & increases) + increases) ^ increases) | equal | decreases
        right_up = decreases | (full & ~(diagonal | increases))
        right_down = diagonal & increases
        distance += bool(right_up & last) - bool(right_down & last)
        right_up = right_up << 1 | 1
        increases = (right_down << 1 | ~(diagonal | right_up)) & full
        decreases = right_up & diagonal & full
    return distance


def alignment(first: str, second: str) -> list[tuple[str, str]]:
    """Pairs of characters of a shortest way from one text to the other; an empty string stands for none."""
    rows = [list(range(len(second) + 1))]
    for i, character in enumerate(first, start=1):
        above, row = rows[-1], [i]
        for j, other in enumerate(second):
            row.append(min(above[j] + (character != other), above[j + 1] + 1, row[j] + 1))
        rows.append(row)
    i, j = len(first), len(second)
    pairs = []
    while i or j:
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (first[i - 1] != second[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((first[i], second[j]))
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((first[i], ""))
        else:
            j -= 1
            pairs.append(("", second[j]))
    return pairs[::-1]
