"""What happens to a print: fading, paper, light, blur, noise, bends and tilts. Images here are uint8 (H,W)."""

import random
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
"""uint8 (H,W)."""
TEXTURE = 512
FAINTEST = 90  # of 255: fainter ink nobody could read, and its transcript would teach guessing


def fade(rng: random.Random, ink: Grey, strength: float) -> Grey:
    """Let the ink vanish in soft patches and along thin streaks, as thermal paper does; `strength` in [0,1]."""
    height, width = ink.shape
    rows, columns = max(2, height // 40), max(2, width // 60)
    keep = [255 - int(255 * strength * max(0.0, rng.gauss(0.35, 0.5))) for _ in range(rows * columns)]
    patches = np.clip(np.array(keep), FAINTEST, 255).astype(np.uint8).reshape(rows, columns)
    soft = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < strength:  # heating elements that are worn out leave streaks along the paper
        for _ in range(rng.randint(1, 4)):
            x = rng.randrange(width)
            soft[:, x : x + rng.randint(1, 2)] //= rng.choice((2, 4))
    return np.asarray(cv2.multiply(ink, soft, scale=1 / 255), np.uint8)


def on_paper(ink: Grey, paper: Grey | int, darkness: int) -> Grey:
    """Return paper of that brightness (0 to 255) with ink of that brightness on it."""
    # paper - ink * (paper - darkness) / 255, in saturating 8-bit steps
    if isinstance(paper, int):
        table = np.linspace(paper, darkness, 256).round().astype(np.uint8)
        return np.asarray(cv2.LUT(ink, table), np.uint8)
    depth = cv2.subtract(paper, np.full_like(paper, darkness))
    return np.asarray(cv2.subtract(paper, cv2.multiply(ink, depth, scale=1 / 255)), np.uint8)


def lit_paper(rng: random.Random, size: tuple[int, int], brightness: int, unevenness: float) -> Grey:
    """Return blank paper of (width, height) pixels whose brightness drifts by up to `unevenness` of itself."""
    coarse = [brightness * (1 - unevenness * rng.random()) for _ in range(12)]
    grid = np.clip(np.array(coarse).reshape(4, 3), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def noisy(rng: random.Random, image: Grey, amplitude: float) -> Grey:
    """Add grain with a standard deviation of about `amplitude` grey levels."""
    height, width = image.shape
    grain = _grain(round(amplitude))
    x, y = rng.randrange(TEXTURE), rng.randrange(TEXTURE)
    repeats = (y + height) // TEXTURE + 1, (x + width) // TEXTURE + 1
    field = grain if repeats == (1, 1) else np.tile(grain, repeats)
    return np.asarray(cv2.add(image, field[y : y + height, x : x + width], dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=64)
def _grain(amplitude: int) -> npt.NDArray[np.int16]:
    fine = np.random.default_rng(amplitude).standard_normal((TEXTURE, TEXTURE), dtype=np.float32)
    return (fine * amplitude).astype(np.int16)


def blurred(rng: random.Random, image: Grey, sigma: float) -> Grey:
    """Blur by `sigma` pixels, now and then along one direction only, as a moving camera does."""
    if sigma < 0.25:
        return image
    if rng.random() < 0.2:
        length = max(3, round(sigma * 3) | 1)
        shape = (length, 1) if rng.random() < 0.5 else (1, length)
        return np.asarray(cv2.blur(image, shape), np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def coloured(rng: random.Random, image: Grey, ink_tint: float, paper_tint: float) -> npt.NDArray[np.uint8]:
    """Return RGB (H,W,3): dark and bright parts each shifted by up to their tint in grey levels per channel."""
    levels = np.linspace(0, 1, 256)
    tables = np.empty((1, 256, 3), np.uint8)
    for channel in range(3):
        shift = rng.uniform(-ink_tint, ink_tint) * (1 - levels) + rng.uniform(-paper_tint, paper_tint) * levels
        tables[0, :, channel] = np.clip(levels * 255 + shift, 0, 255)
    return np.asarray(cv2.LUT(cv2.merge([image, image, image]), tables), np.uint8)


class Bend:
    """A page of (width, height) pixels bent, tilted and set on a larger image; maps points and pixels alike.

    `curl` is the height in pixels of the waves that lines of text make, `turn` the tilt in degrees, `keystone` by which
    share of its width the page narrows towards one end.
    """

    def __init__(
        self, rng: random.Random, page: tuple[int, int], *, margin: int, curl: float, turn: float, keystone: float
    ) -> None:
        width, height = page
        self.size = width + 2 * margin, height + 2 * margin
        self._waves = [(curl * rng.uniform(0.4, 1), rng.uniform(0.6, 1.4) * np.pi / width, rng.uniform(0, 6.28))]
        self._waves.append((curl * rng.uniform(0, 0.3), rng.uniform(2, 4) * np.pi / width, rng.uniform(0, 6.28)))
        inset = keystone * width / 2
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        narrowed = corners + np.array([(inset, 0), (-inset, 0), (0, 0), (0, 0)], np.float32)
        angle = np.deg2rad(turn)
        spin = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
        placed = (narrowed - narrowed.mean(axis=0)) @ spin
        low = placed.min(axis=0)
        needed = placed.max(axis=0) - low
        scale = min(1.0, *(np.array(self.size) / needed).tolist())
        offset = (np.array(self.size) - needed * scale) / 2
        self._matrix = cv2.getPerspectiveTransform(corners, ((placed - low) * scale + offset).astype(np.float32))

    def points(self, polygon: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return where points of the page (K,2) come to lie."""
        bent = polygon.astype(np.float32).copy()
        bent[:, 1] += self._lift(bent[:, 0])
        return np.asarray(cv2.perspectiveTransform(bent[None], self._matrix)[0], np.float32)

    def image(self, page: Grey, background: Grey) -> Grey:
        """Return the page as it lies on the background, which has the size `self.size`."""
        width, height = self.size
        step = 8
        # Bends are smooth: an eighth of the points, the rest interpolated. Pixel centres as cv2.resize aligns them.
        columns, rows = -(-width // step), -(-height // step)
        x, y = np.meshgrid((np.arange(columns) + 0.5) * step - 0.5, (np.arange(rows) + 0.5) * step - 0.5)
        grid = np.stack([x, y], axis=-1).astype(np.float32)
        source = cv2.perspectiveTransform(grid, np.linalg.inv(self._matrix))
        source[..., 1] -= self._lift(source[..., 0])
        maps = cv2.resize(source, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)[:height, :width]
        out = background.copy()
        cv2.remap(page, maps, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_TRANSPARENT)
        return out

    def _lift(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        lift = np.zeros_like(x)
        for height, frequency, phase in self._waves:
            lift += height * np.sin(frequency * x + phase)
        return lift
