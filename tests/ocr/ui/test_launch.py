"""Starting the page, and what reaches it from outside, without a browser."""

import base64
import socket
import subprocess
import sys

import numpy as np
import pytest

from ocr.cli.main import main
from ocr.errors import ImageError, ServiceError
from ocr.ui.launch import launch
from ocr.ui.maps import around
from ocr.ui.paste import decode
from ocr.ui.runs_page import MOST_POINTS, thinned


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"{port}: cannot be listened on"):
            launch(host="127.0.0.1", port=port, roots=[tmp_path], bundles=None, browser=False)


def test_a_folder_of_bundles_that_is_not_there_is_wrong_use(tmp_path, capsys):
    assert main(["ui", "--models", str(tmp_path / "absent")]) == 2
    assert "--models names one that holds bundles" in capsys.readouterr().err


def test_a_pasted_file_comes_out_as_it_was():
    data = b"\x89PNG and more"
    assert decode("data:image/png;base64," + base64.b64encode(data).decode()) == data


@pytest.mark.parametrize("text", ["data:image/png;base64,@@@", "data:image/png;base64," + "A" * 71_000_000])
def test_what_is_no_image_in_the_clipboard_is_refused(text):
    with pytest.raises(ImageError, match="clipboard"):
        decode(text)


def test_a_crop_stays_inside_the_image():
    image = np.zeros((40, 60, 3), np.uint8)
    assert around(image, [(0, 0), (60, 0), (60, 10), (0, 10)], 4.0).shape == (40, 60, 3)
    assert around(image, [(70, 50), (90, 50), (90, 60), (70, 60)], 0.5).size > 0


@pytest.mark.parametrize("count", [0, 1, MOST_POINTS, MOST_POINTS * 3 + 1])
def test_a_long_curve_is_thinned_and_keeps_its_ends(count):
    curve = [(step, float(step)) for step in range(count)]
    found = thinned(curve)
    assert len(found) <= MOST_POINTS + 1
    assert found[:1] == curve[:1]
    assert found[-1:] == curve[-1:]


def test_the_pages_import_no_torch_and_nothing_but_them_imports_streamlit():
    code = (
        "import sys\n"
        "for name in ('torch', 'lightning', 'timm', 'hydra', 'onnx'): sys.modules[name] = None\n"
        "import ocr.cli.main, ocr.cli.ui\n"
        "assert 'streamlit' not in sys.modules\n"
        "import ocr.ui.app\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
