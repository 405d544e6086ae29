"""``ocr serve``: the REST service and its API keys."""

import ipaddress
import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from ocr.cli.finite import finite

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
keys_app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Make, list and revoke API keys."
)
app.add_typer(keys_app, name="keys")

KeyFile = Annotated[Path, typer.Option("--keys", help="File of API keys.")]
_KEYS = Path("ocr-keys.json")


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one, the log says which.")] = 8000,
    work: Annotated[Path, typer.Option(help="Folder for jobs; nothing is written anywhere else.")] = Path("ocr-work"),
    keys: Annotated[Path | None, typer.Option(help="File of API keys; requests then need one.")] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Serve other machines without keys.")] = False,
    models: Annotated[Path | None, typer.Option(help="Folder of bundles to offer beside the shipped ones.")] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Web origin that may call from a browser; several times. [default: none]")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to read on; default: all it may use.")] = None,
    max_megabytes: Annotated[float, typer.Option(callback=finite, min=0.001, help="Largest body.")] = 25,
    max_megapixels: Annotated[float, typer.Option(callback=finite, min=0.001, max=89, help="Largest page.")] = 40,
    max_pages: Annotated[int, typer.Option(min=1, help="Most pages of one request; jobs may have more.")] = 50,
    max_requests: Annotated[int, typer.Option(min=1, max=1000, help="Requests read at once; more get 429.")] = 32,
    max_seconds: Annotated[float, typer.Option(callback=finite, min=1, help="Longest time to read one request.")] = 120,
    max_upload_seconds: Annotated[
        float, typer.Option(callback=finite, min=0.1, help="Longest time to send one body.")
    ] = 30,
    batch_pages: Annotated[int, typer.Option(min=1, max=64, help="Most pages read together; 1: no batching.")] = 8,
) -> None:
    """Serve reading over HTTP: /v1/read, /v1/fields, /v1/models, /v1/jobs, /healthz, /readyz, /metrics, /openapi.json.

    Ends on SIGTERM after answering what it accepted. Logs are JSON lines on stderr.

    Examples:

      ocr serve --port 8000

      ocr serve keys add --keys keys.json 'the web shop'

      ocr serve --host 0.0.0.0 --keys keys.json --models bundles/
    """
    if context.invoked_subcommand is not None:
        return
    from ocr.errors import ServiceError
    from ocr.optional import safe_import

    for package in ("fastapi", "uvicorn", "prometheus_client", "python_multipart"):
        safe_import(package, extra="serve")
    if keys is None and not no_auth and not _is_loopback(host):
        raise ServiceError(f"{host} can be reached from other machines: give --keys FILE, or --no-auth to serve anyone")
    from ocr.serving.server import serve as run
    from ocr.serving.settings import MEGABYTE, Batching, Limits, Settings

    pixels = round(max_megapixels * 1e6)
    settings = Settings(
        work=work,
        keys=keys,
        models=models,
        cors_origins=tuple(cors_origin or ()),
        threads=threads,
        limits=Limits(
            body_bytes=round(max_megabytes * MEGABYTE),
            bodies_bytes=max(Limits.bodies_bytes, round(max_megabytes * MEGABYTE)),
            page_pixels=pixels,
            pages_pixels=4 * pixels,
            pages=max_pages,
            requests=max_requests,
            read_seconds=max_seconds,
            upload_seconds=max_upload_seconds,
        ),
        batching=Batching(pages=batch_pages),
    )
    run(settings, host, port)


@keys_app.command()
def add(
    label: Annotated[str, typer.Argument(help="Whom or what the key is for.")],
    keys: KeyFile = _KEYS,
) -> None:
    """Make a key and print it, this once: the file keeps only its hash.

    Examples:

      ocr serve keys add --keys keys.json 'the web shop'
    """
    import sys

    from ocr.serving.keys import add_key

    text, key = add_key(keys, label)
    print(text)
    print(f"key {key.id} for {key.label}; it is shown this once", file=sys.stderr)


@keys_app.command(name="list")
def list_keys(
    keys: KeyFile = _KEYS,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List keys by id, never their text.

    Examples:

      ocr serve keys list --keys keys.json --json
    """
    from ocr.serving.keys import read_keys

    rows = [key.model_dump(exclude={"sha256"}) for key in read_keys(keys)]
    if json:
        print(json_module.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            print(f"{row['id']}  {row['created']}  {row['label']}")


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `ocr serve keys list` shows it.")],
    keys: KeyFile = _KEYS,
) -> None:
    """Remove a key; a running service refuses it at once.

    Examples:

      ocr serve keys revoke 3fa2c1d0 --keys keys.json
    """
    from ocr.serving.keys import revoke_key

    key = revoke_key(keys, key_id)
    print(f"key {key.id} for {key.label} is revoked")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
