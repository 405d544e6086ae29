"""Start the web page's server in this process."""

import socket
from pathlib import Path

from ocr.errors import ServiceError
from ocr.ui.settings import set_folders

# Uploads above this many megabytes are refused by the server before they are kept.
UPLOAD_MEGABYTES = 50

LOOK = {
    "theme.primaryColor": "#0f6b5c",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f3f6f5",
    "theme.textColor": "#1d2726",
    "theme.borderColor": "#dbe3e1",
    "theme.baseRadius": "small",
    "theme.chartCategoricalColors": ["#0f6b5c", "#c4661f", "#5b4b9a", "#b03060", "#7a8a00", "#3b7dd8"],
}


def launch(*, host: str, port: int, roots: list[Path], bundles: Path | None, browser: bool) -> None:
    """Serve the pages until interrupted; ServiceError when the address cannot be listened on.

    Nothing is sent anywhere: no usage figures, no look-up of this machine's public address, no fonts from elsewhere.
    """
    port = _free_port(host, port)
    set_folders(roots, bundles)
    from streamlit.web import bootstrap

    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": not browser,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": UPLOAD_MEGABYTES,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
    } | LOOK
    print(f"ocr ui: http://{f'[{host}]' if ':' in host else host}:{port}  (Ctrl-C ends it)", flush=True)
    bootstrap.load_config_options(options)
    bootstrap.run(str(Path(__file__).with_name("app.py")), False, [], options)


def _free_port(host: str, port: int) -> int:
    """The port itself, or any free one for 0, once it is sure that it can be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            remedy = "name another --host or --port"
            raise ServiceError(f"{host}:{port}: cannot be listened on ({error.strerror or error}); {remedy}") from error
        return int(probe.getsockname()[1])
