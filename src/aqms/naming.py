"""File names: the template of a type, the names it makes, the pattern that knows them again."""

import re
from datetime import datetime

STAMPED = "{date:%Y-%m-%d_%H%M}_{type}_{name}.md"
NAME = r"[\w가-힣]+(?:-[\w가-힣]+)*"
_FIELD = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_STAMP_PARTS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}", "%M": r"\d{2}"}
_EXAMPLE = datetime(2026, 1, 29, 3, 30)


class NamingError(ValueError):
    """A file-name template cannot be used."""


def pattern(template: str, kind: str) -> re.Pattern[str]:
    """The pattern of the file names that ``template`` makes, with its fields as groups; raises NamingError."""
    parts, end = [], 0
    for field in _FIELD.finditer(template):
        parts.append(re.escape(template[end : field.start()]))
        parts.append(f"(?P<{field[1]}>{_inner(field[1], field[2] or '', kind)})")
        end = field.end()
    try:
        found = re.compile("".join(parts) + re.escape(template[end:]) + r"\Z")
    except re.error as error:
        raise NamingError(f"file name {template!r} is no template ({error})") from error
    if not found.match(file_name(template, kind, "name", _EXAMPLE, 1)):
        raise NamingError(f"file name {template!r} makes names that it does not know again")
    return found


def _inner(field: str, form: str, kind: str) -> str:
    if field == "date" and set(re.findall(r"%\w", form)) <= set(_STAMP_PARTS) and form:
        return re.sub(r"%\w", lambda m: _STAMP_PARTS[m[0]], form)
    if field == "number":
        digits = form.strip("d") or "1"
        if digits.isdecimal():
            return rf"\d{{{int(digits)},}}"
    if field in ("type", "name") and not form:
        return re.escape(kind) if field == "type" else NAME
    raise NamingError(
        f"file name: field {{{field}:{form}}} is unknown; use date with %Y %m %d %H %M, type, name, number"
    )


def file_name(template: str, kind: str, name: str, date: datetime, number: int) -> str:
    """The file name of a document; raises NamingError."""
    try:
        return template.format(type=kind, name=name, date=date, number=number)
    except (KeyError, ValueError, IndexError) as error:
        raise NamingError(f"file name {template!r} is no template ({error})") from error


def slug(words: str) -> str:
    """Any words as a name: letters and digits of every script, joined by hyphens."""
    return "-".join(part for part in re.split(r"[\W_]+", words.casefold()) if part)
