"""A CTC recognizer made for CPU: depthwise-separable convolutions, a pixel of context at a time, any width.

Its result for a crop does not depend on how far the crop is padded: a column that is all zeros is padding (with mean
and standard deviation 0.5 no pixel is exactly zero), and padding is held at zero through the whole network, as if
the image ended there.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from ocr.errors import ConfigError
from ocr.text.tokenizer import CtcTokenizer


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation (folded into it at export) and, unless told otherwise, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] | None = None,
        groups: int = 1,
        activation: bool = True,
    ) -> None:
        around = (kernel[0] // 2, kernel[1] // 2) if padding is None else padding
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, around, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True) if activation else nn.Identity(),
        )


class SeparableBlock(nn.Module):
    """Depthwise then pointwise convolution, (N,C,H,W) to (N,C',H/s,W/t); residual where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.depthwise = ConvNorm(inputs, inputs, (3, 3), stride=stride, groups=inputs)
        self.pointwise = ConvNorm(inputs, outputs, (1, 1))
        self.residual = inputs == outputs and stride == (1, 1)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return features with padding at zero; ``mask`` (N,1,1,W/t) is 1 where the crop is."""
        mixed: Tensor = self.pointwise(self.depthwise(features))
        return (features + mixed if self.residual else mixed) * mask


class SequenceBlock(nn.Module):
    """Neighbouring steps mixed by a wide depthwise convolution, then channels by two pointwise ones; residual."""

    def __init__(self, width: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.mix = ConvNorm(width, width, (1, kernel), groups=width, activation=False)
        self.widen = ConvNorm(width, width * expansion, (1, 1))
        self.narrow = ConvNorm(width * expansion, width, (1, 1), activation=False)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return features (N,C,1,L) with padding at zero; ``mask`` (N,1,1,L)."""
        mixed: Tensor = self.narrow(self.widen(self.mix(features)))
        return (features + mixed) * mask


class CtcNetwork(nn.Module):
    """CTC logits (N, W/4, C) from crops (N,3,``height``,W), W a multiple of 4.

    ``channels`` are those of the stem (1/2 of the size) and of three stages (1/4, 1/8 and 1/16 of the height, 1/4 of
    the width), ``depths`` the blocks of each stage. ``sequence_*`` shape the part that sees the line as a sequence.
    """

    def __init__(
        self,
        *,
        tokenizer: CtcTokenizer,
        height: int,
        channels: list[int],
        depths: list[int],
        sequence_width: int,
        sequence_depth: int,
        sequence_kernel: int,
        sequence_expansion: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if height % 16 or len(channels) != 4 or len(depths) != 3:
            raise ConfigError(
                f"CtcNetwork: height {height} must be a multiple of 16, channels must be 4 numbers and depths 3"
            )
        self.stem = ConvNorm(3, channels[0], (3, 3), stride=(2, 2))
        stages = []
        for (inputs, outputs), depth, stride in zip(pairwise(channels), depths, ((2, 2), (2, 1), (2, 1)), strict=True):
            stages.append(SeparableBlock(inputs, outputs, stride=stride))
            stages += [SeparableBlock(outputs, outputs) for _ in range(depth - 1)]
        self.stages = nn.ModuleList(stages)
        self.collapse = ConvNorm(channels[-1], sequence_width, (height // 16, 1), padding=(0, 0))
        self.sequence = nn.ModuleList(
            SequenceBlock(sequence_width, sequence_kernel, sequence_expansion) for _ in range(sequence_depth)
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sequence_width, tokenizer.size)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, W/4, C); the steps behind a crop's own width carry no meaning."""
        whole = images.abs().amax(dim=(1, 2), keepdim=True).gt(0).to(images.dtype)
        half = functional.max_pool2d(whole, (1, 2))
        quarter = functional.max_pool2d(half, (1, 2))
        features: Tensor = self.stem(images) * half
        for stage in self.stages:
            features = stage(features, quarter)
        features = self.collapse(features) * quarter
        for block in self.sequence:
            features = block(features, quarter)
        logits: Tensor = self.head(self.dropout(features.squeeze(2).transpose(1, 2)))
        return logits
