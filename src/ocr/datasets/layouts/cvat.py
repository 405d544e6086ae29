"""CVAT for images 1.1: `annotations.xml` beside `images/`, an ``image`` element with its polygons and boxes.

The text of a shape is its attribute ``text``; the label ``Ignore`` marks what is neither to be found nor learnt.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from durable.replace import write_bytes
from ocr.datasets.annotations import Report, Sample
from ocr.datasets.layouts.json_file import problem_with
from ocr.errors import AnnotationError
from ocr.geometry.polygon import Polygon
from ocr.images.load import read_header
from ocr.text.xml_text import child, document

FILE = "annotations.xml"
LABELS = ("Text", "Ignore")
# What the text of a shape is called; CVAT's own forms for text say `text`.
TEXTS = ("text", "transcription", "transcript")
REMEDY = "export the task as `CVAT for images 1.1`, with polygons and rectangles"


def matches(path: Path) -> bool:
    """Whether the path is an XML file of annotations, or a folder with annotations.xml."""
    path = path / FILE if path.is_dir() else path
    if path.suffix != ".xml" or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"<annotations" in file.read(65_536)


def read(path: Path, report: Report | None) -> Iterator[Sample]:
    """Stream the images by name; an image without shapes has no lines. Tags of an image are passed over."""
    path = path / FILE if path.is_dir() else path
    root = _root(path)
    if root.find("track") is not None:
        raise AnnotationError(path, "is of a video", REMEDY)
    samples: list[Sample] = []
    for number, image in enumerate(root.iter("image")):
        try:
            samples.append(_sample(path.parent, image))
        except (KeyError, ValueError) as error:
            problem_with(f"{path}: image {image.get('name', number)}", error, REMEDY, report)
    yield from sorted(samples, key=lambda sample: sample.name)


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write `annotations.xml`; raises ImageError where an image cannot be read, as its size is needed."""
    root = ElementTree.Element("annotations")
    child(root, "version", "1.1")
    task = child(child(root, "meta"), "task")
    for number, sample in enumerate(samples):
        _write_image(root, number, sample)
    child(task, "size", str(len(root.findall("image"))))
    child(task, "mode", "annotation")
    labels = child(task, "labels")
    for name in LABELS:
        label = child(labels, "label")
        child(label, "name", name)
        attribute = child(child(label, "attributes"), "attribute")
        for tag, text in (("name", TEXTS[0]), ("mutable", "False"), ("input_type", "text"), ("default_value", "")):
            child(attribute, tag, text)
        child(attribute, "values", "")
    write_bytes(path / FILE, document(root))


class _Builder(ElementTree.TreeBuilder):
    """A tree whose document has no type of its own: entities that grow without bounds are declared in one."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse it."""
        declared = " ".join(part for part in (name, pubid, system) if part)
        raise ValueError(f"it declares a document type, {declared}, which annotations have not")


def _root(path: Path) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(path.read_bytes(), ElementTree.XMLParser(target=_Builder()))
    except OSError as error:
        raise AnnotationError(path, f"cannot be read ({error.strerror})", "check the path") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
        raise AnnotationError(path, f"is not the XML of annotations ({error})", REMEDY) from error
    if root.tag != "annotations":
        raise AnnotationError(path, f"begins with <{root.tag}>, not <annotations>", REMEDY)
    return root


def _sample(folder: Path, image: ElementTree.Element) -> Sample:
    name = image.attrib["name"].replace("\\", "/")
    places = (folder / "images" / name, folder / name, folder / "images" / "default" / name)
    shapes = [shape for shape in image if shape.tag != "tag"]
    return Sample(
        image=next((place for place in places if place.is_file()), places[0]),
        polygons=[_polygon(shape) for shape in shapes],
        texts=[_text(shape) for shape in shapes],
        ignore=[shape.get("label", "").lower() == LABELS[1].lower() for shape in shapes],
        name=name,
    )


def _polygon(shape: ElementTree.Element) -> Polygon:
    """Pixels of a polygon, or of a box that is turned about its centre, clockwise in degrees."""
    if shape.tag == "polygon":
        points = [[float(number) for number in point.split(",")] for point in shape.attrib["points"].split(";")]
        if len(points) < 3 or any(len(point) != 2 for point in points):
            raise ValueError(f"{shape.attrib['points'][:40]!r} is no polygon")
        return np.array(points, dtype=np.float32)
    if shape.tag != "box":
        raise ValueError(f"a {shape.tag} is neither polygon nor rectangle")
    x0, y0, x1, y1 = (float(shape.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
    angle = math.radians(float(shape.get("rotation", 0)))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) - centre
    return np.array(corners @ turn.T + centre, dtype=np.float32)


def _text(shape: ElementTree.Element) -> str | None:
    """What is written there; None where nobody said, which CVAT stores as an empty attribute."""
    given = {one.get("name", "").lower(): one.text or "" for one in shape.iter("attribute")}
    return next((given[name] for name in TEXTS if given.get(name)), None)


def _write_image(root: ElementTree.Element, number: int, sample: Sample) -> None:
    header = read_header(sample.image if sample.encoded is None else sample.encoded, name=str(sample.image))
    image = child(root, "image", id=number, name=sample.name, width=header.width, height=header.height)
    for polygon, text, ignore in zip(sample.polygons, sample.texts, sample.ignore, strict=True):
        points = ";".join(f"{x:.2f},{y:.2f}" for x, y in polygon.tolist())
        facts: dict[str, Any] = {"label": LABELS[ignore], "source": "manual", "occluded": 0, "points": points}
        shape = child(image, "polygon", **facts, z_order=0)
        if text is not None:
            child(shape, "attribute", text, name=TEXTS[0])
