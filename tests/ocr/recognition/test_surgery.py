import pytest
import torch

from ocr.errors import CheckpointError
from ocr.recognition.ctc_loss import CtcLoss
from ocr.recognition.parseq import PARSeq
from ocr.recognition.surgery import carry_over
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer, ParseqTokenizer

OLD = Charset(tuple("abcde"))
NEW = Charset(tuple("e한cz글"))


@pytest.fixture(params=["ctc", "parseq"])
def build(request, small_network):
    def ctc(charset):
        return small_network(tokenizer=CtcTokenizer(charset=charset))

    def parseq(charset):
        return PARSeq(
            tokenizer=ParseqTokenizer(charset=charset),
            image=[32, 64],
            patch=[4, 8],
            width=24,
            encoder_depth=1,
            encoder_heads=2,
            encoder_expansion=2,
            decoder_depth=1,
            decoder_heads=2,
            decoder_expansion=2,
            max_length=6,
            dropout=0.0,
            autoregressive=False,
            refine_iterations=0,
        )

    return {"ctc": ctc, "parseq": parseq}[request.param]


def test_shared_characters_and_special_tokens_keep_their_rows(build):
    old, new = build(OLD).state_dict(), build(NEW).state_dict()
    state, report = carry_over(old, new, source=OLD, target=NEW)
    assert (report.kept, report.new, report.dropped) == (("e", "c"), ("한", "z", "글"), ("a", "b", "d"))
    for name in ("head.weight", "head.bias", "embedding.weight"):
        if name not in state:
            continue
        assert torch.equal(state[name][0], old[name][0])
        for c in report.kept:
            assert torch.equal(state[name][NEW.index(c) + 1], old[name][OLD.index(c) + 1])
        for c in report.new:
            assert torch.equal(state[name][NEW.index(c) + 1], new[name][NEW.index(c) + 1])
        assert torch.equal(state[name][len(NEW) + 1 :], old[name][len(OLD) + 1 :])
    rest = [name for name in state if not name.startswith(("head", "embedding"))]
    assert rest
    assert all(torch.equal(state[name], old[name]) for name in rest)


def test_shared_characters_are_read_as_before(build):
    old, new = build(OLD).eval(), build(NEW).eval()
    new.load_state_dict(carry_over(old.state_dict(), new.state_dict(), source=OLD, target=NEW)[0])
    images = torch.randn(2, 3, 32, 64)
    with torch.inference_mode():
        before, after = old(images), new(images)
    for c in "ec":
        assert torch.allclose(before[..., OLD.index(c) + 1], after[..., NEW.index(c) + 1], atol=1e-5)


def test_the_same_charset_changes_nothing(build):
    old = build(OLD).state_dict()
    state, report = carry_over(old, build(OLD).state_dict(), source=OLD, target=OLD)
    assert all(torch.equal(state[name], old[name]) for name in old)
    assert (report.new, report.dropped) == ((), ())


def test_weights_of_the_caller_stay_as_they_are(build):
    own = build(NEW).state_dict()
    before = {name: value.clone() for name, value in own.items()}
    carry_over(build(OLD).state_dict(), own, source=OLD, target=NEW)
    assert all(torch.equal(own[name], before[name]) for name in own)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w | {"more": torch.zeros(1)}, "more is not part of the model"),
        (lambda w: {name: value for name, value in w.items() if name != "head.bias"}, r"head\.bias is missing"),
        (lambda w: w | {"head.weight": w["head.weight"][:, :3]}, r"head\.weight has shape \(6, 3\)"),
        (lambda w: w | {"head.bias": torch.zeros(40)}, r"head\.bias has shape \(40,\).*5 characters"),
    ],
)
def test_another_architecture_is_refused_by_name(build, change, message):
    with pytest.raises(CheckpointError, match=message):
        carry_over(change(build(OLD).state_dict()), build(NEW).state_dict(), source=OLD, target=NEW)


def test_another_shape_of_the_body_is_refused(build):
    weights = build(OLD).state_dict()
    name = next(name for name, value in weights.items() if value.dim() > 1 and not name.startswith("head"))
    weights[name] = weights[name][:-1]
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        carry_over(weights, build(OLD).state_dict(), source=OLD, target=OLD)


def test_the_report_names_characters():
    report = carry_over({}, {}, source=OLD, target=NEW)[1]
    assert str(report) == ("charset: 2 characters keep their weights; 3 are new (한z글); 3 are dropped (abd)")


def test_hangul_is_learnt_in_a_fine_tune_and_latin_is_kept(small_network, drawn, learn, read):
    """A reader of digits learns Hangul from mixed lines; what it knew stays, and is known sooner than from scratch."""
    latin, both = Charset(tuple("0123456789")), Charset(tuple("0123456789한국어영수증"))
    digits = ["2024", "1357", "9086", "4415", "7203", "6698"]
    hangul = ["한국", "영수증", "국어", "수한", "증영", "어국한"]

    def accuracy(network, charset, texts):
        lines = read(network, charset, drawn(texts, charset=both, seed=50))
        return sum(line.text == text for line, text in zip(lines, texts, strict=True)) / len(texts)

    start = small_network(tokenizer=CtcTokenizer(charset=latin))
    learn(
        start,
        CtcLoss(tokenizer=CtcTokenizer(charset=latin)),
        [drawn(digits, charset=latin, seed=50)],
        steps=70,
        rate=5e-3,
    )
    assert accuracy(start, latin, digits) == 1.0

    tokenizer = CtcTokenizer(charset=both)
    network = small_network(tokenizer=tokenizer)
    state, report = carry_over(start.state_dict(), network.state_dict(), source=latin, target=both)
    network.load_state_dict(state)
    assert report.new == tuple("한국어영수증")
    before = accuracy(network, both, digits), accuracy(network, both, hangul)
    assert before[1] == 0.0
    mixed = drawn([*digits, *hangul], charset=both, seed=50)
    learn(
        network,
        CtcLoss(tokenizer=tokenizer),
        [drawn([*digits], charset=both, seed=50), drawn(hangul, charset=both, seed=50), mixed],
        steps=80,
        rate=4e-3,
    )
    assert accuracy(network, both, hangul) == 1.0
    assert accuracy(network, both, digits) == 1.0
