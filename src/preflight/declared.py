"""What a repository says it needs: pyproject, requirements, setup.cfg, setup.py, conda and Pipfile, read as text."""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_CONDA_SKIP = frozenset(("python", "pip", "cudatoolkit", "cudnn", "gcc", "cmake"))

# Import names that differ from the name of the distribution beyond case, dashes and the affixes below.
_KNOWN = {
    "cv2": "opencv", "PIL": "pillow", "yaml": "pyyaml", "sklearn": "scikit-learn", "skimage": "scikit-image",
    "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "dotenv": "python-dotenv", "git": "gitpython",
    "attr": "attrs", "jwt": "pyjwt", "fitz": "pymupdf", "pkg_resources": "setuptools",
    "mpl_toolkits": "matplotlib", "pylab": "matplotlib", "serial": "pyserial", "Crypto": "pycryptodome",
    "OpenSSL": "pyopenssl", "docx": "python-docx", "pptx": "python-pptx", "magic": "python-magic",
    "Levenshtein": "levenshtein", "umap": "umap-learn", "faiss": "faiss", "Bio": "biopython", "osgeo": "gdal",
    "zmq": "pyzmq", "nacl": "pynacl", "slugify": "python-slugify", "multipart": "python-multipart",
    "antlr4": "antlr4-python3-runtime", "grpc": "grpcio", "gi": "pygobject", "ffmpeg": "ffmpeg-python",
    "websocket": "websocket-client", "absl": "absl-py", "tree": "dm-tree", "haiku": "dm-haiku",
    "pywt": "pywavelets", "hydra": "hydra-core", "pytorch_lightning": "lightning", "torch_xla": "torch",
    "MDAnalysis": "mdanalysis", "OpenEXR": "openexr", "pythonjsonlogger": "python-json-logger",
    "Xlib": "python-xlib", "usb": "pyusb", "psycopg2": "psycopg2",
    "MySQLdb": "mysqlclient", "tlz": "toolz", "ruamel": "ruamel-yaml", "_pytest": "pytest", "py": "pytest",
    "markdown_it": "markdown-it-py", "botocore": "boto3", "tensorboardX": "tensorboardx", "imgaug": "imgaug",
    "caffe2": "torch", "functorch": "torch", "numpy": "numpy", "igraph": "igraph", "wx": "wxpython",
    "dash_html_components": "dash", "dash_core_components": "dash", "cairo": "pycairo", "pyximport": "cython",
    "rest_framework": "djangorestframework", "lightning_fabric": "lightning", "pl_bolts": "lightning-bolts",
    "lightning_utilities": "lightning",
}  # fmt: skip
# Import names of distributions that share them with others, or that have several.
_PROVIDES: dict[str, tuple[str, ...]] = {
    "protobuf": ("google",), "googleapis-common-protos": ("google",), "grpcio-tools": ("grpc_tools",),
    "google-api-python-client": ("googleapiclient", "apiclient"), "pymongo": ("bson", "gridfs"),
    "imbalanced-learn": ("imblearn",), "scikit-optimize": ("skopt",), "scikit-build": ("skbuild",),
    "scikit-video": ("skvideo",), "dnspython": ("dns",), "apache-airflow": ("airflow",), "nvidia-ml-py": ("pynvml",),
    "nvidia-ml-py3": ("pynvml",), "vtk": ("vtkmodules",), "slackclient": ("slack",), "pycrypto": ("Crypto",),
    "pycryptodomex": ("Cryptodome",), "pyside6": ("shiboken6",), "python-telegram-bot": ("telegram",),
    "speechrecognition": ("speech_recognition",), "newspaper3k": ("newspaper",), "libsass": ("sass",),
    "pytorch-lightning": ("lightning_fabric", "lightning_utilities"), "unicode-slugify": ("slugify",),
    "django-environ": ("environ",), "django-cors-headers": ("corsheaders",), "django-filter": ("django_filters",),
    "django-debug-toolbar": ("debug_toolbar",), "django-allauth": ("allauth",),
    "django-crispy-forms": ("crispy_forms",), "djangorestframework-simplejwt": ("rest_framework_simplejwt",),
    "pywin32": (
        "adodbapi", "isapi", "odbc", "perfmon", "pythoncom", "pythonwin", "pywintypes", "servicemanager", "win32api",
        "win32clipboard", "win32com", "win32con", "win32console", "win32cred", "win32crypt", "win32event",
        "win32evtlog", "win32evtlogutil", "win32file", "win32gui", "win32gui_struct", "win32inet", "win32job",
        "win32lz", "win32net", "win32pdh", "win32pdhutil", "win32pipe", "win32print", "win32process", "win32profile",
        "win32ras", "win32security", "win32service", "win32serviceutil", "win32timezone", "win32trace",
        "win32transaction", "win32ts", "win32ui", "win32uiole", "win32wnet", "win32comext", "winerror", "winioctlcon",
        "winnt", "winperf", "winxpgui", "win2kras", "ntsecuritycon", "sspicon",
    ),
}  # fmt: skip
# Import names that come with another distribution as part of its own interface.
_COMPANIONS = {
    "omegaconf": "hydra-core",
    "lsprotocol": "pygls",
    "starlette": "fastapi",
    "pydantic_core": "pydantic",
    "botocore": "boto3",
}
_AFFIXES = re.compile(
    r"^(?:python|py|lib|types|nvidia)-"
    r"|-(?:python3?|py|core|binary|headless|contrib|gpu|cpu|client|sdk|cuda\d*x?|cu\d+|nightly|pre|io|dev|stubs|v?\d+)$"
)


@dataclass(frozen=True, slots=True)
class Need:
    """A declared distribution: group is "core", "extra:NAME" or "group:NAME"."""

    name: str
    group: str
    path: str


@dataclass(slots=True)
class Declared:
    """All declarations of a repository; `own` are the names of its own distributions."""

    needs: dict[str, list[Need]] = field(default_factory=dict)  # by normalized name
    own: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)
    dynamic: bool = False  # something is declared in a way the text does not show
    broken: list[tuple[str, int, int, str]] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)  # command -> "module:attribute"
    imports: dict[str, tuple[str, ...]] = field(default_factory=dict)  # first word of an import -> declared names

    def providers(self, top: str) -> list[Need]:
        """Declarations that can provide the import name `top`."""
        if not self.imports:
            for name in self.needs:
                for word in import_names(name):
                    self.imports[word] = (*self.imports.get(word, ()), name)
        names = {normalize(top), *(normalize(known) for known in (_KNOWN.get(top), _COMPANIONS.get(top)) if known)}
        return [need for name in sorted(names) for found in self.imports.get(name, ()) for need in self.needs[found]]


def normalize(name: str) -> str:
    """A distribution name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def import_names(name: str) -> set[str]:
    """Normalized words by which a distribution may be imported: itself, without affixes, its first part, known ones."""
    names = {name}
    stripped = name
    while (shorter := _AFFIXES.sub("", stripped)) not in (stripped, ""):
        stripped = shorter
        names.add(stripped)
    if stripped.startswith("py") and len(stripped) > 4:
        names.add(stripped[2:])
    names |= {normalize(word) for word in _PROVIDES.get(name, ())}
    return names | {part for part in (name.partition("-")[0],) if part not in ("python", "py", "types", "lib")}


def read(root: Path, paths: Iterable[str]) -> Declared:
    """Collect the declarations in the given files (relative paths of any names; others are passed over)."""
    declared = Declared()
    for path in paths:
        name = path.rpartition("/")[2]
        try:
            if name == "pyproject.toml":
                _pyproject(declared, root, path)
            elif re.search(r"(^|[-_/.])(requirements?|reqs|constraints?)\b.*\.(txt|in)$", path):
                _requirements(declared, root, path)
            elif name == "setup.cfg":
                _setup_cfg(declared, root, path)
            elif name == "setup.py":
                _setup_py(declared, root, path)
            elif re.fullmatch(r"(.*env.*|conda.*)\.ya?ml", name):
                _conda(declared, root, path)
            elif name == "Pipfile":
                _pipfile(declared, root, path)
        except (OSError, UnicodeDecodeError, configparser.Error, RecursionError) as error:
            declared.broken.append((path, 1, 1, str(error).splitlines()[0]))
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"line (\d+), column (\d+)", str(error))
            line, column = (int(place[1]), int(place[2])) if place else (1, 1)
            declared.broken.append((path, line, column, str(error)))
    return declared


def _add(declared: Declared, lines: Any, group: str, path: str) -> None:
    for line in lines if isinstance(lines, list | tuple) else []:
        found = _NAME.match(line) if isinstance(line, str) else None
        if found:
            declared.needs.setdefault(normalize(found[1]), []).append(Need(found[1], group, path))
    if path not in declared.files:
        declared.files.append(path)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _pyproject(declared: Declared, root: Path, path: str) -> None:
    data = tomllib.loads((root / path).read_text(encoding="utf-8"))
    project = _table(data.get("project"))
    poetry = _table(_table(data.get("tool")).get("poetry"))
    for table in (project, poetry):
        if isinstance(table.get("name"), str):
            declared.own.add(normalize(table["name"]))
    if project:
        _add(declared, project.get("dependencies"), "core", path)
        for extra, lines in _table(project.get("optional-dependencies")).items():
            _add(declared, lines, f"extra:{extra}", path)
        declared.dynamic |= "dependencies" in (project.get("dynamic") or [])
        declared.scripts |= {k: v for k, v in _table(project.get("scripts")).items() if isinstance(v, str)}
    for group, lines in _table(data.get("dependency-groups")).items():
        _add(declared, lines, f"group:{group}", path)
    _add(declared, _table(data.get("build-system")).get("requires"), "group:build", path)
    tools = _table(data.get("tool"))
    for group, lines in _table(
        _table(tools.get("uv")).get("dev-dependencies") and {"dev": tools["uv"]["dev-dependencies"]}
    ).items():
        _add(declared, lines, f"group:{group}", path)
    if poetry:
        optional = {
            n
            for n, spec in _table(poetry.get("dependencies")).items()
            if isinstance(spec, dict) and spec.get("optional")
        }
        for name in _table(poetry.get("dependencies")):
            _add(declared, [name], "extra:optional" if name in optional else "core", path)
        _add(declared, list(_table(poetry.get("dev-dependencies"))), "group:dev", path)
        for group, table in _table(poetry.get("group")).items():
            _add(declared, list(_table(_table(table).get("dependencies"))), f"group:{group}", path)
    for name in ("dependencies", "pypi-dependencies"):
        _add(declared, list(_table(_table(tools.get("pixi")).get(name))), "core", path)
    for environment in _table(_table(_table(tools.get("hatch")).get("envs"))).values():
        _add(declared, _table(environment).get("dependencies"), "group:hatch", path)


def _requirements(declared: Declared, root: Path, path: str) -> None:
    stem = path.rpartition("/")[2]
    group = "core" if re.fullmatch(r"requirements\.(txt|in)", stem) else f"group:{stem}"
    lines = (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
    names = [egg[1] for line in lines if (egg := re.search(r"#egg=([\w.-]+)", line))]
    names += [
        repo[1].removesuffix(".git") for line in lines if (repo := re.search(r"git\+\S*/([\w.-]+?)(?:@|$|#|\s)", line))
    ]
    plain = [line for line in lines if not line.lstrip().startswith(("#", "-", "git+", "http"))]
    if not any("constraints" in part for part in path.split("/")[-1:]):
        _add(declared, plain + names, group, path)


def _setup_cfg(declared: Declared, root: Path, path: str) -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string((root / path).read_text(encoding="utf-8"))
    if parser.has_option("metadata", "name"):
        declared.own.add(normalize(parser.get("metadata", "name")))
    if parser.has_option("options", "install_requires"):
        _add(declared, parser.get("options", "install_requires").splitlines(), "core", path)
    if parser.has_section("options.extras_require"):
        for extra, lines in parser.items("options.extras_require"):
            _add(declared, lines.splitlines(), f"extra:{extra}", path)
    if parser.has_section("options.entry_points"):
        for line in parser.get("options.entry_points", "console_scripts", fallback="").splitlines():
            name, _, target = line.partition("=")
            if target.strip():
                declared.scripts[name.strip()] = target.strip()


def _setup_py(declared: Declared, root: Path, path: str) -> None:
    try:
        tree = ast.parse((root / path).read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setup")):
            continue
        for keyword in node.keywords:
            value = (
                constants.get(keyword.value.id, keyword.value) if isinstance(keyword.value, ast.Name) else keyword.value
            )
            if keyword.arg == "name" and isinstance(value, ast.Constant):
                declared.own.add(normalize(str(value.value)))
            elif keyword.arg in ("install_requires", "setup_requires", "tests_require"):
                _literal(declared, value, "core" if keyword.arg == "install_requires" else "group:test", path)
            elif keyword.arg == "extras_require":
                _literal(declared, value, "extra:any", path)


def _literal(declared: Declared, node: ast.expr, group: str, path: str) -> None:
    strings = [inner.value for inner in _constants(node)]
    _add(declared, strings, group, path)
    declared.dynamic |= not isinstance(node, ast.List | ast.Tuple | ast.Dict)


def _constants(node: ast.expr) -> Iterator[ast.Constant]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner


def _conda(declared: Declared, root: Path, path: str) -> None:
    """Lines of the form `- name=1.2`, also below `pip:`; only files that have a `dependencies:` list."""
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    if not re.search(r"^dependencies:", text, re.MULTILINE):
        return
    lines = re.findall(r"^\s*-\s+(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)(?!.*:\s*$)", text, re.MULTILINE)
    _add(declared, [line for line in lines if line not in _CONDA_SKIP], "core", path)


def _pipfile(declared: Declared, root: Path, path: str) -> None:
    data = tomllib.loads((root / path).read_text(encoding="utf-8"))
    for section, group in (("packages", "core"), ("dev-packages", "group:dev")):
        _add(declared, list(_table(data.get(section))), group, path)
