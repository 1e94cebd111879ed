"""What every process that makes a piece of a data set is given, and what it opens from that."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.candidates import Candidate, Judge, LeftOut, Rejected
from safecot_dsl.dataset.conditioning import OtherPolicy, system_turn
from safecot_dsl.dataset.deciding import BlockInterpreter
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.policies import GeneratedPolicy
from safecot_dsl.dataset.recipe import DataRecipe
from safecot_dsl.dataset.reviews import ReadReviews, Standing
from safecot_dsl.dataset.rows import RowBuilder
from safecot_dsl.dataset.writing import PromptedWriting, Writer
from safecot_dsl.facts import Block, Item, OpenSource, Skipped, open_source
from safecot_dsl.render import ReasoningStyle
from safecot_dsl.storage import Cache, Progress

if TYPE_CHECKING:
    from safecot_dsl.dataset.examine import Answerer, ImageOpener
    from safecot_dsl.dataset.pairs import PairMaker
    from safecot_dsl.facts.annotators import Annotators

#: Blocks whose items are kept, for selections that come back to them.
_KEPT_BLOCKS = 4


@dataclass(frozen=True)
class Setup:
    """What a data set is made from. It can be sent to another process.

    `answers` names the model that answers what the sources leave open, with its settings; it is empty where there is
    none. `cache` is a folder for what is dear to ask again. `other` is the second policy of policy flips, `others` are
    the policies whose rows join in, `generated` those that were generated of `policy` (`drafts_left_out` counts the
    drafts of such that were not kept, by why), and `under` is the name of such a policy where this is its setup.
    `sampled` is (N, OFFSET) where of each block only every N-th entry is looked at, from the place OFFSET on. `opened`
    are the recipe's sources where they were opened before: that may cost a pass over a file. `reviews` are what the
    recipe's file of reviews holds, as it was when the work began.
    """

    policy: CompiledPolicy
    recipe: DataRecipe
    base_dir: Path
    seed: int
    cache: Path
    answers: str = ""
    other: CompiledPolicy | None = None
    others: tuple[OtherPolicy, ...] = ()
    generated: tuple[GeneratedPolicy, ...] = ()
    drafts_left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    under: str = ""
    sampled: tuple[int, int] | None = None
    opened: tuple[OpenSource, ...] | None = None
    reviews: ReadReviews | None = None

    @property
    def selection_seed(self) -> int:
        """The seed that requests are chosen by. Each generated policy has its own: by one seed all would choose the
        same few requests, and the rows of many policies would show few pictures."""
        if not self.under:
            return self.seed
        return int.from_bytes(sha256(f"{self.seed}\0{self.under}".encode()).digest()[:8], "big")


@dataclass(frozen=True)
class SourceBlock:
    """A block of the recipe's source number `source`."""

    source: int
    block: Block

    @property
    def rows(self) -> int:
        return self.block.stop - self.block.start


class Worker:
    """A setup at work in one process: sources are opened, and models loaded, when they are first needed."""

    def __init__(
        self,
        setup: Setup,
        *,
        answerer: Answerer | None = None,
        progress: Progress | None = None,
        reader: Worker | None = None,
    ) -> None:
        """`reader` is a worker of the same sources that blocks are read by, so that each is read once for both."""
        self._reader = reader
        self.setup = setup
        self.recipe = setup.recipe
        self.policy = setup.policy
        self.answerer = answerer
        self.progress = progress
        self._blocks: OrderedDict[SourceBlock, list[Item | Skipped]] = OrderedDict()

    @cached_property
    def sources(self) -> tuple[OpenSource, ...]:
        setup = self.setup
        return setup.opened or tuple(
            open_source(source, setup.policy, setup.base_dir, seed=setup.seed, unknown=setup.recipe.unknown)
            for source in setup.recipe.sources
        )

    def opened(self) -> Setup:
        """The setup with its sources opened, for other processes."""
        return replace(self.setup, opened=self.sources)

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        """What the keys of a source's items begin with: its name, and `#2` behind it where a source before has it."""
        seen: Counter[str] = Counter()
        prefixes: list[str] = []
        for source in self.sources:
            seen[source.name] += 1
            prefixes.append(source.name if seen[source.name] == 1 else f"{source.name}#{seen[source.name]}")
        return tuple(prefixes)

    def key(self, source: int, item: Item) -> str:
        """Tells an item from every other one of the recipe."""
        return f"{self._prefixes[source]}/{item.id}"

    @cached_property
    def interpreter(self) -> BlockInterpreter:
        return BlockInterpreter(self.policy)

    @cached_property
    def judge(self) -> Judge:
        answers = bool(self.setup.answers) or self.writes_answers
        return Judge(self.interpreter, self.recipe.tags, self.recipe.unsure == "train", answers)

    def blocks(self) -> list[SourceBlock]:
        """All blocks of the sources, in order."""
        return [SourceBlock(number, block) for number, source in enumerate(self.sources) for block in source.blocks()]

    def read(self, place: SourceBlock) -> list[Item | Skipped]:
        """The entries of a block."""
        if self._reader is not None:
            return self._reader.read(place)
        entries = self._blocks.get(place)
        if entries is None:
            source = self.sources[place.source]
            entries = source.read(place.block)
            if not source.commercial:
                entries = [replace(e, commercial=False) if isinstance(e, Item) else e for e in entries]
            if self.recipe.selects:
                self._blocks[place] = entries
            if len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(place)
        return entries

    @cached_property
    def annotators(self) -> Annotators:
        from safecot_dsl.facts.annotators import open_annotators

        return open_annotators(
            self.recipe.annotators,
            self.policy,
            base_dir=self.setup.base_dir,
            cache=self.cache,
            progress=self.progress,
        )

    def looks_at(self, position: int) -> bool:
        """Whether the entry at this position of a block may become a row."""
        every, offset = self.setup.sampled or (1, 0)
        return position % every == offset

    def annotate(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items with the facts that the recipe's annotators fill in."""
        return self.annotators.annotate(items) if self.recipe.annotators else items

    @cached_property
    def image_opener(self) -> ImageOpener:
        from safecot_dsl.dataset.examine import ImageOpener

        return ImageOpener(self)

    @cached_property
    def writer(self) -> Writer:
        """Writes the rows' texts."""
        return self._writer(self.policy)

    def _writer(self, policy: CompiledPolicy) -> Writer:
        from safecot_dsl.dataset.writing.opening import open_writer

        # Without reasoning the answer is all that is used: any style gives the same.
        style = ReasoningStyle.MINIMAL if self.recipe.style == "none" else ReasoningStyle(self.recipe.style)
        asks = isinstance(self.recipe.writing, PromptedWriting)
        return open_writer(
            self.recipe.writing,
            policy,
            style=style,
            reasoning=self.recipe.reasoning,
            tags=self.recipe.tags,
            cache=self.cache if asks else None,
        )

    @cached_property
    def pairs(self) -> PairMaker | None:
        """Makes the preference pairs, where the recipe asks for some."""
        from safecot_dsl.dataset.pairs import PairMaker

        other = self.setup.other
        if not self.recipe.preferences and other is None:
            return None
        return PairMaker(
            self.policy, self.recipe, self.writer, other, self._writer(other) if other is not None else None
        )

    @property
    def asks(self) -> bool:
        """Whether a model is asked: for answers, for texts, or for facts."""
        return (
            self.answerer is not None
            or isinstance(self.recipe.writing, PromptedWriting)
            or any(annotator.kind == "model" for annotator in self.recipe.annotators)
        )

    @property
    def writes_answers(self) -> bool:
        """Whether the writer also answers what the policy leaves open, and the source too."""
        return isinstance(self.recipe.writing, PromptedWriting) and self.recipe.writing.answer

    @cached_property
    def builder(self) -> RowBuilder:
        """Builds the rows from their texts."""
        recipe = self.recipe
        return RowBuilder(self.policy, style=recipe.style, order=recipe.order, tags=recipe.tags, system=self.system)

    @cached_property
    def system(self) -> str | None:
        """What stands in the rows' system turn; None where nothing does."""
        return system_turn(self.policy, self.recipe) or None

    @cached_property
    def others(self) -> tuple[tuple[OtherPolicy, Worker], ...]:
        """The other policies whose rows join in, each with the worker that writes them."""
        return tuple((other, self._of(other)) for other in self.setup.others)

    def _of(self, other: OtherPolicy) -> Worker:
        setup = replace(self.setup, policy=other.policy, other=None, others=(), under=other.name)
        return Worker(setup, answerer=self.answerer, progress=self.progress)

    @property
    def writer_sees_images(self) -> bool:
        return isinstance(self.recipe.writing, PromptedWriting) and self.recipe.writing.images

    def row_seed(self, candidate: Candidate) -> str:
        """What a row's draws come from. It does not depend on style or order, so that the arms of a comparison answer
        in the same words."""
        return f"{self.setup.seed}/{candidate.key}"

    @cached_property
    def cache(self) -> Cache:
        """Keeps what was dear to ask."""
        return Cache(self.setup.cache / "kept.sqlite")

    @cached_property
    def reviews(self) -> dict[str, Standing]:
        """What stands of the reviews of each row, by its key in the provenance."""
        read = self.setup.reviews
        found = {row: Standing.of(reviews) for row, reviews in read.by_row().items()} if read is not None else {}
        return {row: standing for row, standing in found.items() if standing.reviews}

    def leave_out(self, rejected: Rejected, left_out: LeftOut) -> None:
        """Count what cannot become a row.

        Raises :class:`GenerateError` where the recipe is strict, and did not ask for this itself.
        """
        if self.recipe.strict and rejected.reason not in ASKED_FOR:
            raise GenerateError(f"{rejected.detail} (`{rejected.reason}`; `strict: true`)")
        left_out.add(rejected)


#: Reasons that the recipe itself gives for leaving something out: no fault, so `strict` does not stop at them.
ASKED_FOR = frozenset(
    {"not_wanted", "non_commercial", "unsure_not_wanted", "duplicate", "near_duplicate", "rejected_in_review"}
)
