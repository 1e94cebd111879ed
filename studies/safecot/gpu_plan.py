"""The study on Qwen2.5-VL as a list of steps: what is fetched, which commands are run, and about how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.pipeline import Recipe

#: Arms that are trained with every seed; the others with the first alone.
SEEDED = (
    "answers_random-256",
    "answers_contrast-256",
    "minimal_contrast-256",
    "full_contrast-256",
    "stepwise_random-256",
    "stepwise_contrast-256",
    "stepwise_after-256",
    "prompted_contrast-256",
)
GUARDING = "answers_contrast-256"
BASE, PROMPTED, GUARD = "base", "base_prompted", "guard"

#: Tokens, counted from characters (4.3 a token) and the pictures of FigStep and MOSSBench: qwen.md.
PICTURE, REQUEST, PROMPT, COMPLETION = 1_000, 47, 594, {"none": 37, "minimal": 63, "full": 76, "stepwise": 110}
TUNED_ANSWER, BASE_ANSWER = 130, 300
#: How many items each suite has, with the limits of qwen.yaml; docs/how-to/suites.md.
ITEMS = {
    "vlguard": 1_558,
    "figstep": 550,
    "xstest": 450,
    "mssbench": 600,
    "mossbench": 544,
    "mm_safetybench": 600,
    "siuo": 167,
    "vlsbench": 500,
    "holisafe": 1_000,
    "or_bench": 600,
    "mmbench": 1_000,
    "attacks": 112,
}


class Download(Frozen):
    """Something to fetch. `gb` is None where nobody has told how large it is; `folder` is below the data's folder.

    `hub` and `model` are fetched from the Hugging Face hub, `git` is cloned at `at`; `hand` says what has to be fetched
    by hand, since it is not in one place. What is `gated` needs `hf auth login` with an account that was let in.
    """

    folder: str
    kind: Literal["model", "hub", "git", "hand"]
    source: str
    at: str = ""
    gb: float | None = None
    gated: bool = False
    licence: str
    files: tuple[str, ...] = ()
    more: str = ""


DOWNLOADS = (
    Download(folder="vlguard", kind="hub", source="ys-zong/VLGuard", gated=True, licence="research use"),
    Download(folder="figstep", kind="git", source="https://github.com/ThuCCSLab/FigStep", at="0861b17", licence="MIT"),
    Download(
        folder="xstest", kind="git", source="https://github.com/paul-rottger/xstest", at="d7bb5bd", licence="CC-BY-4.0"
    ),
    Download(folder="mssbench", kind="hub", source="kzhou35/mssbench", licence="none stated"),
    Download(
        folder="mossbench",
        kind="git",
        source="https://github.com/xirui-li/MOSSBench",
        at="8d68b06",
        gb=0.9,
        licence="CC-BY-SA-4.0, not for training",
    ),
    Download(
        folder="mm_safetybench",
        kind="hand",
        source="github.com/isXinLiu/MM-SafetyBench",
        licence="CC-BY-NC-4.0",
        more="the pictures that its page links to go into imgs/",
    ),
    Download(
        folder="siuo",
        kind="hand",
        source="github.com/sinwang20/SIUO at 18974b6",
        licence="CC-BY-NC-4.0",
        more="the pictures that its page links to go into images/",
    ),
    Download(folder="vlsbench", kind="hub", source="Foreshhh/vlsbench", licence="none stated"),
    Download(folder="holisafe", kind="hub", source="etri-vilab/holisafe-bench", gated=True, licence="research use"),
    Download(folder="or_bench", kind="hub", source="bench-llm/or-bench", licence="CC-BY-4.0"),
    Download(
        folder="mmbench",
        kind="hand",
        source="MMBench_DEV_EN.tsv, by way of github.com/open-compass/MMBench",
        licence="Apache-2.0",
    ),
)


class Pace(Frozen):
    """How fast a machine is: `trained` and `read` tokens a second (pictures' among them), `written` tokens a second
    with 64 answers at once, `prepared` pictures a second (None: that is counted in reading); and how that is known."""

    trained: float
    read: float
    written: float
    prepared: float | None
    known: str


#: No table of one H100 is published for this model. These follow from published figures for other models and cards.
PUBLISHED = Pace(
    trained=12_000,
    read=50_000,
    written=1_280,
    prepared=20,
    known="derived from published figures for other models and cards, for one H100 and the 3B; can be off by three "
    "either way",
)
#: Where the items are, below the study's folder: drawn once, for all arms and seeds.
ITEMS_FILE = Path("drawn") / "items" / "items.parquet"
#: The recipe that the commands are run with.
RECIPE_FILE = Path("recipe.yaml")
LOADING = 90  # seconds of a command: imports and weights


class Cell(Frozen):
    """An arm with a seed."""

    arm: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.seed}"


class Step(Frozen):
    """A command: what it is called, its words (`safecotc …`, or a module of ours), and about how many seconds it
    takes."""

    name: str
    words: tuple[str, ...]
    seconds: float


def cells_of(recipe: Recipe, seeds: Sequence[int]) -> list[Cell]:
    """The cells in the order in which they are done: with the first seed those that claims need first."""
    arms = [*(arm for arm in SEEDED if arm in recipe.arms), *(arm for arm in recipe.arms if arm not in SEEDED)]
    return [Cell(arm=arm, seed=seed) for seed in seeds for arm in arms if seed == seeds[0] or arm in SEEDED]


def steps_of(recipe: Recipe, out: Path, pace: Pace, *, seeds: Sequence[int]) -> list[Step]:
    """Every command of the study behind the drawing of its items, in order. Each goes on where it was killed, and does
    nothing where it is done."""
    model, policy, path = str(recipe.model), recipe.policy, out / RECIPE_FILE
    items, answers, batch_size = out / ITEMS_FILE, out / "answers", recipe.evaluation.batch_size
    asked = sum(ITEMS[entry.suite] for entry in recipe.evaluation.suites)

    def step(name: str, seconds: float, *words: object) -> Step:
        return Step(name=name, words=tuple(map(str, words)), seconds=seconds + LOADING)

    def ask(label: str, folder: str, written: int, *words: object, prompt: bool = False) -> Step:
        given = ("--policy-prompt", policy) if prompt else ()
        seconds = asking_seconds(pace, asked, written, prompt=prompt)
        head = ("safecotc", "eval", "ask", items, "--model", model, "--batch-size", batch_size)
        limit = ("--max-new-tokens", recipe.evaluation.max_new_tokens)
        return step(
            f"ask {folder}", seconds, *head, *limit, *words, *given, "--label", label, "--out", answers / folder
        )

    found = [
        ask(BASE, BASE, BASE_ANSWER),
        ask(PROMPTED, PROMPTED, BASE_ANSWER, prompt=True),
    ]
    for cell in cells_of(recipe, seeds):
        folder = out / f"seed-{cell.seed}"
        train = ("safecotc", "train", path, "--set", f"seed={cell.seed}", "--arm", cell.arm, "--out", folder)
        found.append(step(f"train {cell.name}", training_seconds(recipe, cell.arm, pace), *train))
        adapter = ("--adapter", folder / "arms" / cell.arm / "adapter")
        prompted = recipe.data_of(cell.arm).policy_prompt
        found.append(ask(cell.arm, cell.name, TUNED_ANSWER, *adapter, prompt=prompted))
        if cell.arm == GUARDING:
            judged = ("safecotc", "eval", "judge", answers / cell.name, "--policy", policy)
            behind = ("studies.safecot.guarded", answers / BASE, answers / cell.name, answers / f"{GUARD}-{cell.seed}")
            found += [step(f"judge {cell.name}", 60, *judged), step(f"guard {cell.seed}", 0, *behind)]
    return found


def training_seconds(recipe: Recipe, arm: str, pace: Pace) -> float:
    """About how long an arm's steps take."""
    data, training = recipe.data_of(arm), recipe.training_of(arm)
    row = PICTURE + REQUEST + COMPLETION[data.style] + (PROMPT if data.policy_prompt else 0)
    rows = training.max_steps * training.per_device_train_batch_size * training.gradient_accumulation_steps
    return rows * row / pace.trained


def asking_seconds(pace: Pace, items: int, written: int, *, prompt: bool = False) -> float:
    """About how long so many items take: preparing pictures, reading and writing, one after another."""
    read = PICTURE + REQUEST + (PROMPT if prompt else 0)
    return items * ((1 / pace.prepared if pace.prepared else 0) + read / pace.read + written / pace.written)
