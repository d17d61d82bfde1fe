"""`verifier.load_model` and `verifier.prove`: from weights to a statement and a certificate that have been checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verifier.api.sources import Source, content_of
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.operators import Network
from verifier.kernel.replay import Progress
from verifier.kernel.scope import InputScope
from verifier.kernel.statement import Statement
from verifier.networks.finding import Found, find_network, find_task
from verifier.networks.question import Question
from verifier.networks.subjects import read_scope_line
from verifier.proving import Proof, statement_target
from verifier.proving import prove as proved
from verifier.strategies import find_strategy
from verifier.strategies.outside import called
from verifier.strategies.steps import Step
from verifier.strategies.target import AnyStrategy, Target

Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Model:
    """A weights file and the network that its tensors are put into.

    weights: the content of the file.  file: its name, for messages.  found: the network, and the tasks that come with it.
    """

    weights: bytes
    file: str
    found: Found

    @property
    def network(self) -> Network:
        """The program with its weights, as the kernel reads them."""
        return self.found.network

    @property
    def tasks(self) -> tuple[str, ...]:
        """The words for `task`."""
        return tuple(self.found.tasks)

    def question(self, task: str | None = None, scope: str | Ranges | None = None) -> Question:
        """A task and the inputs in question: `task` and `scope` as in `prove`.  Raises Usage, MalformedInput."""
        asked = find_task(task, self.found)
        if isinstance(scope, str):
            return Question(self.found, asked, read_scope_line(scope, len(asked.task.layout.free)), "scope")
        ranges = None if scope is None else InputScope(tuple((int(first), int(last)) for first, last in scope))
        return Question(self.found, asked, ranges, "scope")


def load_model(weights: Source, *, network: str | None = None) -> Model:
    """Weights with the network they belong to.

    Arguments:
        weights: a safetensors file.
        network: a name of `verifier networks`, or a JSON file; None: the program in the weights' metadata.  Nothing is guessed.

    Raises:
        Usage for a name that does not exist; MalformedInput for a program or weights that do not fit; LimitExceeded.
    """
    content, file = content_of(weights, LIMITS.model_bytes, "weights")
    return Model(content, file, find_network(network, content, file=file))


def prove(
    model: Model | Source,
    *,
    task: str | None = None,
    scope: str | Ranges | None = None,
    metric: str | None = None,
    function: str | None = None,
    statement: Statement | None = None,
    strategy: str | AnyStrategy | Callable[[Target], list[Step]] | None = None,
    reference: bool = True,
    progress: Progress | None = None,
) -> Proof:
    """The best bound that a strategy finds, as a statement and a certificate that have been checked.

    Arguments:
        model: what `load_model` returns, or a weights file that carries its network.
        task: a word of the network's tasks, or a JSON file; None where there is one task.
        scope: ranges of tokens, one for each free slot or one for all: `"0..9,0..112"` or `[(0, 9), (0, 112)]`; None: all inputs.
        metric: `accuracy` (the default), `accuracy-upper`, `cross_entropy` (nats), `worst_class`, `answered=K`, `never=K`.
        function: `real` (the default) or `float32`.
        statement: prove this statement; then none of the four above may be given.
        strategy: a name of `verifier strategies`, `"file.py:function"`, an object, or a function from a `Target` to steps;
            None: the usual one for the model.
        reference: check with mpmath too, where the length of the proof allows it.
        progress: as in `check`.

    Returns:
        A `Proof`: `proof.proved` is the bound, `proof.statement` and `proof.certificate` the files, `proof.save(folder)` writes them.

    Raises:
        Usage if the strategy is not for what is asked; StepRejected if the kernel refuses the strategy's certificate;
        MalformedInput, SubjectMismatch, LimitExceeded as in `check`.
    """
    loaded = model if isinstance(model, Model) else load_model(model) if statement is None else None
    weights, file = (loaded.weights, loaded.file) if loaded else _content(model)
    if statement is not None:
        if any(word is not None for word in (task, scope, metric, function)):
            raise Usage("usage", expected="a statement, or a task, scope, metric and function", got="both")
        target = statement_target(weights, statement, file=file)
    elif loaded is not None:
        target = loaded.question(task, scope).target(metric, function)
    else:
        raise TypeError
    return proved(weights, _strategy(strategy), file=file, statement=statement, target=target, reference=reference, progress=progress)


def _content(model: Model | Source) -> tuple[bytes, str]:
    return (model.weights, model.file) if isinstance(model, Model) else content_of(model, LIMITS.model_bytes, "weights")


def _strategy(strategy: str | AnyStrategy | Callable[[Target], list[Step]] | None) -> AnyStrategy | None:
    if strategy is None:
        return None
    if isinstance(strategy, str):
        return find_strategy(strategy)
    return called(strategy) if callable(strategy) else strategy
