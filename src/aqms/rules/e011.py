"""A relative link points to nothing.

## What it does
Follows every link, image, reference definition and `href` or `src` of an HTML tag to a file of the repository, from the
document's own folder; a target that begins with `/` counts from the root. Code is not searched, nor are comments.

## Why it is bad
The reader is sent to a page that is gone.

## Example
`[the plan](../implementation_plans/gone.md)`.

## Fix safety
`aqms fix` points the link to the one file of the same name in the repository (for common names such as README.md the
folder must agree too). Where no file is meant for certain, the words stay and the target stays beside them as code:
the plan (`../implementation_plans/gone.md`). Tags are never taken away.
"""

import os
from collections.abc import Iterator

from aqms.document import Place
from aqms.links import local_path, target_of
from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    """One finding for each link that leads nowhere, or out of the repository."""
    root = str(project.root)
    known: dict[str, bool] = {}
    for document in project.texts:
        for link in document.links:
            path = local_path(link.target)
            if path is None:
                continue
            full = target_of(document.path, path)
            if full is None:
                wrong = "leads out of the repository"
            else:
                if full not in known:
                    known[full] = os.path.exists(os.path.join(root, full))
                if known[full]:
                    continue
                wrong = "leads nowhere"
            place = Place(link.line, link.column)
            yield found("E011", document, place, f"link to {path} {wrong}", hint="mend or remove it", symbol=path)
