"""Every error this package raises on purpose.

OcrError                      one clear line for the user, exit code 2
|- InputError                 a file that cannot be used: names the file, the reason and the remedy
|  |- ImageError              cannot be decoded, too large, empty
|  |- DocumentError           PDF or TIFF that cannot be opened
|  `- AnnotationError         a file that is not annotations
|- ConfigError                a key, target or value of a config is wrong
|- BundleError                a bundle that is incomplete, changed or of another kind
|- CardError                  a card that does not validate
|- CheckpointError            a checkpoint that is damaged or of another architecture or charset
|- RecordError                a run folder or record that cannot be read or claimed
|- ParityError                an export that disagrees with the model it came from
|- TrainingError              a run that cannot go on (a loss that is not finite)
|- ServiceError               a service that cannot start as asked, or a key file that is wrong
|- BatchError                 a batch whose input, output folder or options are wrong
|- MemoryLimitError           reading would go above the memory this process may use
`- MissingExtraError          an optional package is absent or damaged: names the install line
"""

from pathlib import Path


class OcrError(Exception):
    """One clear line that names the thing and the remedy."""


class OldLayoutWarning(DeprecationWarning):
    """Something of the old layouts was used: names what replaces it and the version that drops it."""


class InputError(OcrError):
    """A file that cannot be used, as ``source: reason; remedy``."""

    def __init__(self, source: str | Path, reason: str, remedy: str) -> None:
        super().__init__(f"{source}: {reason}; {remedy}")
        self.source = str(source)
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        # The default would call __init__ with the joined message and fail when a worker process sends the error back.
        return type(self), (self.source, self.reason, self.remedy)


class ImageError(InputError):
    """An image that cannot be decoded, is too large, or is empty."""


class DocumentError(InputError):
    """A PDF or multi-page file that cannot be opened."""


class AnnotationError(InputError):
    """A file that does not hold annotations of the expected form."""


class ConfigError(OcrError):
    """A key, target or value of a config is wrong."""


class BundleError(OcrError):
    """A model bundle is incomplete, changed, or of another kind than asked for."""


class CardError(OcrError):
    """A card does not validate."""


class CheckpointError(OcrError):
    """A checkpoint is damaged, or differs from what it should be loaded into."""


class RecordError(OcrError):
    """A run folder or record cannot be read or claimed."""


class ParityError(OcrError):
    """An exported model disagrees with the model it came from."""


class TrainingError(OcrError):
    """A training run cannot go on."""


class ServiceError(OcrError):
    """A service cannot start as asked, or a file of its own is wrong."""


class BatchError(OcrError):
    """The input, the output folder or the options of a batch are wrong."""


class MemoryLimitError(OcrError):
    """Reading would take more memory than this process may use."""


class MissingExtraError(OcrError):
    """An optional package is absent or damaged."""
