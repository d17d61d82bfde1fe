"""Networks to train, as programs with the shapes of their tensors.  Names of tensors are those of TransformerLens where it has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from verifier.kernel.tasks.task import plural

Node = dict[str, Any]
Shape = tuple[int, ...]
EPSILON = "1/100000"  # of LayerNorm
ACTIVATIONS = {"relu": "ReLU", "gelu": "GELU"}


@dataclass
class Architecture:
    """A network program without weights.

    nodes: of the program; the last one gives the logits.  shapes: of the tensors, in the order in which they are drawn.
    constants: tensors that are not drawn, and the number at which all their entries begin: gains at 1, biases at 0.
    factors: a tensor that is trained as a product has the shapes of its factors here, and is saved as the product.
    """

    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    factors: dict[str, tuple[Shape, ...]] = field(default_factory=dict)

    def program(self, name: str) -> dict[str, Any]:
        """The program as a network file holds it."""
        return {"name": name, "nodes": self.nodes, "logits": self.nodes[-1]["node"]}

    def tables(self) -> frozenset[str]:
        """Tensors whose rows are looked up by token or position."""
        named = [name for node in self.nodes for name in (*node.get("tables", ()), node.get("table"))]
        return frozenset(name for name in named if name is not None)

    def add(self, name: str, operator: str, shapes: Mapping[str, Shape] | None = None, /, **fields: Any) -> str:
        """Append a node and the tensors that it brings, and return its name."""
        self.nodes.append({"node": name, "op": operator, **fields})
        self.shapes.update(shapes or {})
        return name


@dataclass(frozen=True)
class Transformer:
    """Embeddings of tokens and positions, layers of attention and perhaps an MLP, unembedding.

    width: of the residual stream.  heads, head_width: of each layer.  neurons: of each layer's MLP, 0 for none.
    norms: LayerNorm with gain before attention, before the MLP and at the end.  causal: whether positions look back alone.
    outputs: how many logits.  biases: of norms, attention, MLP and unembedding; end_biases: of the last norm and the unembedding too.
    activation: of the MLP's neurons, `relu` or `gelu`.
    value_width: of what a head brings, if not head_width: with one head, all that attention says passes through so many numbers.
    """

    vocabulary: int
    positions: int
    outputs: int
    width: int
    heads: int
    head_width: int
    layers: int = 1
    neurons: int = 0
    biases: bool = True
    end_biases: bool = True
    norms: bool = False
    causal: bool = True
    activation: str = "relu"
    value_width: int | None = None

    def sentence(self) -> str:
        """The network for a person."""
        attention = f"{plural(self.layers, 'layer')} of {plural(self.heads, 'head')} of {self.head_width}"
        attention += f" with values of {self.value_width}" * (self.value_width is not None)
        parts = [f"{self.vocabulary} tokens", f"width {self.width}", attention]
        parts += [f"{ACTIVATIONS[self.activation]} MLP of {self.neurons}"] * bool(self.neurons) + ["LayerNorm"] * self.norms
        return ", ".join([*parts, "no biases" if not self.biases else "biases" if self.end_biases else "biases but at the end"])

    def build(self) -> Architecture:
        """The program, with TransformerLens's names and shapes."""
        net = Architecture()
        embedded = net.add("e", "embed", {"embed.W_E": (self.vocabulary, self.width)}, tables=["embed.W_E"])
        placed = net.add("p", "position", {"pos_embed.W_pos": (self.positions, self.width)}, table="pos_embed.W_pos")
        stream = net.add("x", "add", of=[embedded, placed])
        for layer in range(self.layers):
            suffix = "" if self.layers == 1 else str(layer)
            stream = self._attention(net, stream, f"blocks.{layer}.", suffix)
            if self.neurons:
                stream = self._mlp(net, stream, f"blocks.{layer}.", suffix)
        if self.norms:
            stream = self._norm(net, stream, "ln_final", "f", biased=self.end_biases)
        bias = self._bias(net, "unembed.b_U", (self.outputs,)) if self.end_biases else {}
        net.add("u", "linear", {"unembed.W_U": (self.width, self.outputs)}, of=stream, factors=["unembed.W_U"], **bias)
        return net

    def _bias(self, net: Architecture, name: str, shape: Shape, place: Any = None) -> dict[str, Any]:
        """The field of a linear node that adds a bias; place: the part of the tensor, if not all of it."""
        if not self.biases:
            return {}
        net.shapes[name] = shape
        net.constants[name] = 0.0
        return {"bias": name if place is None else {"tensor": name, "select": place}}

    def _norm(self, net: Architecture, of: str, name: str, suffix: str, *, biased: bool = True) -> str:
        net.add(f"n{suffix}", "layer_norm", of=of, epsilon=EPSILON)
        net.add(f"g{suffix}", "scale", {f"{name}.w": (self.width,)}, of=f"n{suffix}", by=f"{name}.w")
        net.constants[f"{name}.w"] = 1.0
        bias = self._bias(net, f"{name}.b", (self.width,)) if biased else {}
        return net.add(f"t{suffix}", "linear", of=f"g{suffix}", **bias) if bias else f"g{suffix}"

    def _attention(self, net: Architecture, of: str, block: str, suffix: str) -> str:
        widths = dict.fromkeys("QK", self.head_width) | {"V": self.value_width or self.head_width}
        before = self._norm(net, of, f"{block}ln1", f"a{suffix}") if self.norms else of
        read, written = f"{block}attn.W_", f"{block}attn.W_O"
        net.shapes.update({f"{read}{role}": (self.heads, self.width, width) for role, width in widths.items()})
        summands = [of]
        for head, mark in self._heads(suffix):
            for role, width in widths.items():
                bias = self._bias(net, f"{block}attn.b_{role}", (self.heads, width), [[0, head]])
                factor = {"tensor": f"{read}{role}", "select": [[0, head]]}
                net.add(f"{role.lower()}{mark}", "linear", of=before, factors=[factor], **bias)
            roles = {"query": f"q{mark}", "key": f"k{mark}", "value": f"v{mark}"}
            mask = "causal" if self.causal else "none"
            net.add(f"a{mark}", "attention", **roles, mask=mask, scale_squared=f"1/{self.head_width}")
            net.shapes[written] = (self.heads, widths["V"], self.width)
            bias = self._bias(net, f"{block}attn.b_O", (self.width,)) if head == 0 else {}  # one for all heads
            factor = {"tensor": written, "select": [[0, head]]}
            summands.append(net.add(f"o{mark}", "linear", of=f"a{mark}", factors=[factor], **bias))
        return net.add(f"y{suffix}", "add", of=summands)

    def _heads(self, suffix: str) -> Iterator[tuple[int, str]]:
        """Each head, and what marks its nodes."""
        for head in range(self.heads):
            yield head, suffix + ("" if self.heads == 1 else "abcdefgh"[head])

    def _mlp(self, net: Architecture, of: str, block: str, suffix: str) -> str:
        before = self._norm(net, of, f"{block}ln2", f"m{suffix}") if self.norms else of
        into, out = f"{block}mlp.W_in", f"{block}mlp.W_out"
        bias = self._bias(net, f"{block}mlp.b_in", (self.neurons,))
        net.add(f"z{suffix}", "linear", {into: (self.width, self.neurons)}, of=before, factors=[into], **bias)
        net.add(f"h{suffix}", self.activation, of=f"z{suffix}")
        bias = self._bias(net, f"{block}mlp.b_out", (self.width,))
        net.add(f"m{suffix}", "linear", {out: (self.neurons, self.width)}, of=f"h{suffix}", factors=[out], **bias)
        return net.add(f"f{suffix}", "add", of=[of, f"m{suffix}"])


@dataclass(frozen=True)
class Bag:
    """Logits relu(L[x] + R[y] + ...) U + b: a table for each position, trained as a product of two matrices, saved as one."""

    vocabulary: int
    positions: int
    outputs: int
    hidden: int

    def sentence(self) -> str:
        """The network for a person."""
        return f"{self.vocabulary} tokens, ReLU of a sum of {self.positions} tables, {self.hidden} wide"

    def build(self) -> Architecture:
        """The program."""
        net = Architecture()
        tables = [f"E{place}" for place in range(self.positions)]
        net.add("e", "embed", dict.fromkeys(tables, (self.vocabulary, self.hidden)), tables=tables)
        net.factors.update(dict.fromkeys(tables, ((self.vocabulary, self.hidden), (self.hidden, self.hidden))))
        net.add("s", "sum_positions", of="e")
        net.add("h", "relu", of="s")
        net.add("u", "linear", {"U": (self.hidden, self.outputs), "b": (self.outputs,)}, of="h", factors=["U"], bias="b")
        net.constants["b"] = 0.0
        return net


@dataclass(frozen=True)
class LinearBag:
    """Logits sum of E[t] H U: three linear maps of how often each token occurs."""

    vocabulary: int
    hidden: int

    def sentence(self) -> str:
        """The network for a person."""
        return f"{self.vocabulary} tokens, three linear maps of the counts of tokens, {self.hidden} wide, no biases"

    def build(self) -> Architecture:
        """The program; the sum comes last, as the rules about bags have it."""
        net = Architecture()
        v, hidden = self.vocabulary, self.hidden
        net.add("e", "embed", {"E": (v, hidden)}, tables=["E"])
        net.add("m", "linear", {"H": (hidden, hidden), "U": (hidden, v)}, of="e", factors=["H", "U"])
        net.add("s", "sum_positions", of="m")
        return net
