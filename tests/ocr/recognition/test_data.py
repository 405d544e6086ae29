from collections import Counter

import numpy as np
import pytest
import torch

from ocr.datasets.lmdb_crops import LmdbWriter
from ocr.datasets.synthetic import line
from ocr.errors import ConfigError
from ocr.recognition.augment import Augment
from ocr.recognition.data import CropStream, RecognitionData
from ocr.recognition.sources import LmdbSource, SyntheticSource
from ocr.text.charset import Charset


@pytest.fixture(scope="module")
def database(tmp_path_factory, encoded):
    """60 numbered crops whose case is unknown."""
    folder = tmp_path_factory.mktemp("crops") / "crops.lmdb"
    with LmdbWriter(folder) as writer:
        crops = [(encoded(line(n, f"No {n}")[0]), f"No {n}", {"case_free": True}) for n in range(60)]
        writer.add("all", crops)
    return folder


@pytest.fixture
def data(database, spec):
    def build(**changes):
        arguments = {
            "train": [str(database)],
            "val": [str(database)],
            "preprocess": spec,
            "charset": "default",
            "max_length": None,
            "batch_size": 8,
            "num_workers": 0,
            "pin_memory": False,
            "augment": 1.0,
            "samples": None,
            "replace": {},
            "seed": 1,
        }
        return RecognitionData(**(arguments | changes))

    return build


def texts(loader):
    return [text for batch in loader for text in batch.texts]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_validation_gives_every_crop_once_and_unchanged(data, workers):
    module = data(num_workers=workers)
    module.setup()
    loader = module.val_dataloader()
    first, second = texts(loader), texts(loader)
    assert sorted(first) == sorted(f"No {n}" for n in range(60))
    assert sorted(second) == sorted(first)
    assert len(loader) == sum(1 for _ in loader)


@pytest.mark.parametrize("workers", [0, 2])
def test_training_gives_whole_batches_and_other_orders_each_epoch(data, workers):
    module = data(num_workers=workers)
    module.setup()
    loader = module.train_dataloader()
    epochs = [list(loader) for _ in range(2)]
    for batches in epochs:
        assert {len(batch.texts) for batch in batches} == {8}
        assert max(Counter(text for batch in batches for text in batch.texts).values()) == 1
        assert len(batches) == len(loader)
    assert texts(epochs[0]) != texts(epochs[1])
    assert not torch.equal(epochs[0][0].images, epochs[1][0].images)


def test_a_seed_repeats_an_epoch(data):
    def epoch():
        torch.manual_seed(5)
        module = data()
        module.setup()
        return list(module.train_dataloader())

    for one, other in zip(epoch(), epoch(), strict=True):
        assert one.texts == other.texts
        assert torch.equal(one.images, other.images)


def test_a_batch_holds_crops_of_like_width_padded_with_zeros(data):
    module = data()
    module.setup()
    for batch in module.train_dataloader():
        assert batch.images.shape[:3] == (8, 3, 32)
        assert batch.case_free == (True,) * 8
        for image, width in zip(batch.images, batch.widths, strict=True):
            assert not image[:, :, width:].any()
            assert image[:, :, :width].abs().amax(dim=(0, 1)).min() > 0
    narrow = [max(batch.widths) - min(batch.widths) for batch in module.val_dataloader()]
    assert np.mean(narrow) < 40


def test_sources_share_an_epoch_by_weight(data, database):
    module = data(
        train=[LmdbSource(path=str(database), weight=3.0), SyntheticSource(count=10, seed=1, weight=1.0)], samples=160
    )
    module.setup()
    free = Counter(flag for batch in module.train_dataloader() for flag in batch.case_free)
    assert free == {True: 120, False: 40}


def test_an_epoch_larger_than_a_source_goes_through_it_evenly(data):
    module = data(samples=120)
    module.setup()
    assert set(Counter(texts(module.train_dataloader())).values()) == {2}


@pytest.mark.parametrize("augment", [None, Augment(strength=0.0)], ids=["validation", "training"])
def test_processes_take_disjoint_parts(database, spec, augment):
    seen = []
    for rank in range(2):
        torch.manual_seed(3)
        stream = CropStream(
            sources=[LmdbSource(path=str(database))],
            preprocess=spec,
            batch_size=5,
            samples=None,
            augment=augment,
            seed=1,
            workers=0,
        )
        stream.rank, stream.world = rank, 2
        seen.append(texts(stream))
        assert len(seen[-1]) == 30
        assert len(stream) == 6
    assert not set(seen[0]) & set(seen[1])


def test_charset_from_data_file_or_default(data, tmp_path):
    assert data(charset="data").charset.characters == tuple(sorted(set("No 0123456789")))
    (tmp_path / "digits.txt").write_text("0123456789")
    module = data(charset=str(tmp_path / "digits.txt"), replace={"N": "", "o": ""})
    module.setup()
    assert sorted(map(int, texts(module.val_dataloader()))) == list(range(60))
    assert data().charset == Charset.default()


def test_nothing_to_train_on_is_an_error(data):
    with pytest.raises(ConfigError, match="train is empty"):
        data(train=[])
    module = data(max_length=2)
    with pytest.raises(ConfigError, match="no usable training crop"):
        module.setup()


def test_a_source_without_usable_crops_takes_no_share(data, database):
    module = data(train=[LmdbSource(path=str(database)), SyntheticSource(count=0, seed=1)], samples=40)
    module.setup()
    assert len(texts(module.train_dataloader())) == 40


def test_setup_counts_once(data, caplog):
    module = data(val=[])
    module.setup("fit")
    caplog.clear()
    with caplog.at_level("INFO"):
        module.setup("validate")
    assert not caplog.messages
    assert list(module.val_dataloader()) == []
