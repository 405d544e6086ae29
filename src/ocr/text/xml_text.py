"""XML documents written from element trees: the characters that XML cannot hold are replaced."""

import re
from xml.etree import ElementTree

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """The text with U+FFFD for each character that XML 1.0 does not allow."""
    return _NOT_XML.sub(REPLACEMENT, text)


def child(parent: ElementTree.Element, tag: str, text: str = "", **attributes: object) -> ElementTree.Element:
    """Append an element; attributes that are None are left out, a trailing underscore is not part of a name."""
    given = {name.rstrip("_"): clean(str(value)) for name, value in attributes.items() if value is not None}
    element = ElementTree.SubElement(parent, tag, given)
    element.text = clean(text) or None
    return element


def document(root: ElementTree.Element, *, doctype: str = "") -> bytes:
    """The document as indented UTF-8 with its declaration."""
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}{body}\n'.encode()
