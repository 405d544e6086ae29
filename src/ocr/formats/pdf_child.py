"""The process in which PDFs of strangers are rendered; `ocr.formats.pdf_apart` starts it and talks to it.

    python -m ocr.formats.pdf_child

Each message either way is a line of JSON and as many bytes as its ``bytes`` says. ``{"name", "bytes"}`` opens a
document and is answered by its ``pages``; ``{"page", "dpi", "max_pixels"}`` renders a page of it, answered by the
``shape`` and the pixels. ``error`` is a DocumentError's three texts. The end of the input ends it.
"""

import json
import os
import sys
from contextlib import ExitStack
from typing import IO, Any

from ocr.errors import DocumentError
from ocr.formats.pdf_pages import PdfPages, open_pdf


def main() -> int:
    """Answer until the input ends."""
    # What a library may print goes to stderr, so that the answers stay whole.
    with os.fdopen(os.dup(1), "wb") as answers, ExitStack() as stack:
        os.dup2(2, 1)
        document: PdfPages | None = None
        while line := sys.stdin.buffer.readline():
            request = json.loads(line)
            try:
                if "name" in request:
                    stack.close()  # the document before
                    data = sys.stdin.buffer.read(request["bytes"])
                    document = stack.enter_context(open_pdf(data, name=request["name"]))
                    _send(answers, {"pages": len(document)})
                else:
                    assert document is not None
                    pixels = document.render(request["page"], dpi=request["dpi"], max_pixels=request["max_pixels"])
                    _send(answers, {"shape": pixels.shape}, pixels.data)
            except DocumentError as error:
                _send(answers, {"error": [str(error.source), error.reason, error.remedy]})
    return 0


def _send(answers: IO[bytes], answer: dict[str, Any], data: memoryview | bytes = b"") -> None:
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    answers.write(json.dumps(answer | {"bytes": size}).encode() + b"\n")
    answers.write(data)
    answers.flush()


if __name__ == "__main__":
    raise SystemExit(main())
