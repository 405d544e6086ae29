"""PARSeq: scene text recognition with permuted autoregressive sequence models (Bautista and Atienza, 2022).

Export. `forward` is a plain function of the images, with the number of decoding steps fixed by the configuration, so it
traces. With ``autoregressive`` the loop is unrolled into one pass of the decoder per character: a large graph with the
published accuracy. Without it there are two passes (all characters at once from the begin token, then a refinement): a
small graph, at a small cost in accuracy. Outside of an export the loop stops early once every text of the batch has
ended, which changes no text: what follows an end is not read.
"""

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.init import trunc_normal_

from ocr.text.tokenizer import ParseqTokenizer


class TwoStreamLayer(nn.Module):
    """A decoder layer with pre-norm in which a query stream asks and a content stream holds what is known."""

    def __init__(self, width: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.self_attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, width * expansion),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width * expansion, width),
        )
        self.norm_query = nn.LayerNorm(width)
        self.norm_content = nn.LayerNorm(width)
        self.norm_cross = nn.LayerNorm(width)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def stream(
        self, tokens: Tensor, normed: Tensor, content: Tensor, memory: Tensor, masks: "Masks", orders: int
    ) -> Tensor:
        """Pass one stream (N,T,D) through the layer; ``content`` is normalised.

        N is ``orders`` for each image of ``memory``: their queries look at it together, so that its keys and values
        are made once.
        """
        tokens = tokens + self.dropout(
            self.self_attention(
                normed, content, content, attn_mask=masks[0], key_padding_mask=masks[1], need_weights=False
            )[0]
        )
        asking = self.norm_cross(tokens)
        if orders > 1:
            asking = asking.unflatten(0, (-1, orders)).flatten(1, 2)
        seen = self.cross_attention(asking, memory, memory, need_weights=False)[0]
        if orders > 1:
            seen = seen.unflatten(1, (orders, -1)).flatten(0, 1)
        tokens = tokens + self.dropout(seen)
        fed: Tensor = tokens + self.dropout(self.feed_forward(self.norm_feed_forward(tokens)))
        return fed

    def forward(
        self,
        query: Tensor,
        content: Tensor,
        memory: Tensor,
        query_masks: "Masks",
        content_masks: "Masks | None",
        orders: int = 1,
    ) -> tuple[Tensor, Tensor]:
        """Return both streams; the content stream as it came when ``content_masks`` is None (last layer)."""
        normed = self.norm_content(content)
        query = self.stream(query, self.norm_query(query), normed, memory, query_masks, orders)
        if content_masks is not None:
            content = self.stream(content, normed, normed, memory, content_masks, orders)
        return query, content


# Attention mask (T,S) and padding mask (N,S); True forbids to look.
Masks = tuple[Tensor | None, Tensor | None]


class PARSeq(nn.Module):
    """A ViT encoder, a two-stream decoder and a linear head; logits (N, ``max_length`` + 1, classes).

    ``image`` and ``patch`` are (height, width) in pixels. Texts have at most ``max_length`` characters.
    """

    def __init__(
        self,
        *,
        tokenizer: ParseqTokenizer,
        image: list[int],
        patch: list[int],
        width: int,
        encoder_depth: int,
        encoder_heads: int,
        encoder_expansion: int,
        decoder_depth: int,
        decoder_heads: int,
        decoder_expansion: int,
        max_length: int,
        dropout: float,
        autoregressive: bool,
        refine_iterations: int,
    ) -> None:
        super().__init__()
        self.bos, self.eos, self.pad = tokenizer.bos, tokenizer.eos, tokenizer.pad
        self.max_length = max_length
        self.decoder_heads = decoder_heads
        self.autoregressive = autoregressive
        self.refine_iterations = refine_iterations
        self.encoder = VisionTransformer(
            img_size=(image[0], image[1]),
            patch_size=(patch[0], patch[1]),
            embed_dim=width,
            depth=encoder_depth,
            num_heads=encoder_heads,
            mlp_ratio=float(encoder_expansion),
            class_token=False,
            global_pool="",
            num_classes=0,
        )
        self.layers = nn.ModuleList(
            TwoStreamLayer(width, decoder_heads, decoder_expansion, dropout) for _ in range(decoder_depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, tokenizer.head_size)
        self.embedding = nn.Embedding(tokenizer.embedding_size, width)
        self.position_queries = nn.Parameter(torch.empty(1, max_length + 1, width))
        self.dropout = nn.Dropout(dropout)
        trunc_normal_(self.position_queries, std=0.02)
        for part in (self.layers, self.head, self.embedding):
            part.apply(_initialise)

    def encode(self, images: Tensor) -> Tensor:
        """Return features (N, patches, D) of images (N,3,H,W)."""
        features: Tensor = self.encoder(images)
        return features

    def decode(
        self,
        context: Tensor,
        memory: Tensor,
        *,
        queries: tuple[int, int] | None = None,
        query_mask: Tensor | None,
        content_mask: Tensor | None,
        padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Return logits (N, Q, classes) of the positions ``queries`` (from, to; those of ``context`` when None).

        ``context`` (N,T) holds ids, begin first. ``query_mask`` (Q,T), ``content_mask`` (T,T) and ``padding_mask``
        (N,T) are True where looking is forbidden.
        """
        size = context.shape[1]
        start, stop = queries or (0, size)
        masks = (query_mask, padding_mask), (content_mask, padding_mask)
        logits: Tensor = self.head(self._read(self._placed(context), memory, range(start, stop), *masks))
        return logits

    def decode_orders(
        self, context: Tensor, memory: Tensor, *, query_masks: Tensor, content_masks: Tensor, padding_mask: Tensor
    ) -> Tensor:
        """Return what `decode` does for each of K orders, (N, K, T, D) before the head, in one pass.

        ``query_masks`` and ``content_masks`` are (K,T,T), one for each order. A head for those positions alone that a
        loss looks at saves most of its work.
        """
        size, orders = context.shape[1], len(query_masks)
        placed = self._placed(context).repeat_interleave(orders, 0)

        def for_each_head(masks: Tensor) -> Tensor:
            whole = masks | padding_mask[:, None, None]
            return whole[:, :, None].expand(-1, -1, self.decoder_heads, -1, -1).flatten(0, 2)

        masks = (for_each_head(query_masks), None), (for_each_head(content_masks), None)
        features = self._read(placed, memory, range(size), *masks, orders)
        return features.reshape(-1, orders, *features.shape[1:])

    def _placed(self, context: Tensor) -> Tensor:
        """Return what is known (N,T,D): the begin token has no position of its own, the next token has the first."""
        embedded = self.embedding(context) * self.embedding.embedding_dim**0.5
        return torch.cat([embedded[:, :1], self.position_queries[:, : context.shape[1] - 1] + embedded[:, 1:]], dim=1)

    def _read(
        self,
        placed: Tensor,
        memory: Tensor,
        positions: range,
        query_masks: "Masks",
        content_masks: "Masks",
        orders: int = 1,
    ) -> Tensor:
        """Return normalised features (N,Q,D) of the positions, ready for the head."""
        query = self.dropout(self.position_queries[:, positions.start : positions.stop].expand(placed.shape[0], -1, -1))
        content = self.dropout(placed)
        for index, layer in enumerate(self.layers):
            last = index == len(self.layers) - 1
            query, content = layer(query, content, memory, query_masks, None if last else content_masks, orders)
        features: Tensor = self.norm(query)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, ``max_length`` + 1, classes) of images (N,3,H,W)."""
        memory = self.encode(images)
        steps = self.max_length + 1
        causal = torch.triu(torch.ones(steps, steps, dtype=torch.bool, device=images.device), 1)
        if self.autoregressive:
            logits = self._one_by_one(memory, causal)
        else:
            logits = self.decode(self._begin(memory), memory, queries=(0, steps), query_mask=None, content_mask=None)
        for _ in range(self.refine_iterations):
            logits = self._refine(logits, memory, causal)
        return logits

    def _begin(self, memory: Tensor) -> Tensor:
        return torch.full((memory.shape[0], 1), self.bos, dtype=torch.long, device=memory.device)

    def _one_by_one(self, memory: Tensor, causal: Tensor) -> Tensor:
        """Read a character at a time, each from those before it."""
        steps = self.max_length + 1
        context, found = self._begin(memory), []
        exporting = torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
        ended = torch.zeros(memory.shape[0], dtype=torch.bool, device=memory.device)
        for i in range(steps):
            found.append(
                self.decode(
                    context,
                    memory,
                    queries=(i, i + 1),
                    query_mask=causal[i : i + 1, : i + 1],
                    content_mask=causal[: i + 1, : i + 1],
                )
            )
            chosen = found[-1].argmax(-1)
            context = torch.cat([context, chosen], dim=1)
            ended = ended | (chosen[:, 0] == self.eos)
            if not exporting and bool(ended.all()):
                break
        logits = torch.cat(found, dim=1)
        return nn.functional.pad(logits, (0, 0, 0, steps - logits.shape[1]))

    def _refine(self, logits: Tensor, memory: Tensor, causal: Tensor) -> Tensor:
        """Read every position once more from all others (cloze), as far as the text so far goes."""
        steps = self.max_length + 1
        context = torch.cat([self._begin(memory), logits[:, :-1].argmax(-1)], dim=1)
        # Position i asks for character i, which the context has at i+1: that one alone is hidden.
        cloze = torch.eye(steps + 1, dtype=torch.bool, device=logits.device)[1:, :-1]
        hidden = (context == self.eos).int().cumsum(-1) > 0
        return self.decode(
            context,
            memory,
            queries=(0, steps),
            query_mask=cloze,
            content_mask=causal,
            padding_mask=hidden,
        )


def _initialise(module: nn.Module) -> None:
    """Draw weights from a normal distribution of deviation 0.02, cut at two; biases and padding start at zero."""
    if isinstance(module, nn.Linear | nn.Embedding):
        trunc_normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    if isinstance(module, nn.MultiheadAttention):
        trunc_normal_(module.in_proj_weight, std=0.02)
