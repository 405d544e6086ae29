"""Longest common subsequence of two texts, the text itself and not its length alone."""


def common_subsequence(first: str, second: str) -> str:
    """Longest text whose characters occur in this order in both; of several, one that ends late in ``first``."""
    if first == second:
        return first
    rows = [[0] * (len(second) + 1)]
    for character in first:
        above, row = rows[-1], [0]
        for j, other in enumerate(second):
            row.append(above[j] + 1 if character == other else max(above[j + 1], row[j]))
        rows.append(row)
    i, j = len(first), len(second)
    found: list[str] = []
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            found.append(first[i])
        elif rows[i - 1][j] > rows[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return "".join(reversed(found))
