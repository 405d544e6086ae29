"""``ocr ui``: the web page."""

import ipaddress
import sys
from pathlib import Path
from typing import Annotated

import typer

from ocr.cli.listing import OUTPUTS, Roots

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 8501,
    root: Roots = OUTPUTS,
    models: Annotated[Path | None, typer.Option(help="Folder of bundles to offer beside the shipped ones.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open a browser too.")] = False,
) -> None:
    """Open a web page to read pages, compare models, and look into checkpoints, runs, errors and audits.

    It has no passwords: whoever reaches it can read what this user can. It listens on this machine alone unless told
    otherwise.

    Examples:

      ocr ui

      ocr ui --root outputs --root /shared/outputs --models bundles/ --port 8600
    """
    from ocr.errors import ServiceError
    from ocr.optional import safe_import

    safe_import("streamlit")
    if models is not None and not models.is_dir():
        raise ServiceError(f"{models}: no such folder; --models names one that holds bundles")
    if not _is_loopback(host):
        print(f"ocr ui: {host} can be reached from other machines, and the page has no passwords", file=sys.stderr)
    from ocr.ui.launch import launch

    launch(host=host, port=port, roots=root, bundles=models, browser=browser)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
