"""Look for inputs that break a door: `python -m tests.fuzzing HARNESS [--runs N] [--seed S] [--seconds T]`.

Coverage-guided (atheris, on libFuzzer). Whatever breaks it is written to the folder that `--out` names, and
`python -m tests.fuzzing HARNESS --replay FILE` runs that input alone.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

#: Of one input: seconds of processor time, after which it is a fault; and of any time, after which it is killed.
MOST_SECONDS = 10
MOST_WAITED = 120
#: Of the whole process.
MOST_MEBIBYTES = 3_000


def _held_before() -> int:
    """Mebibytes that count as this process's peak before it does anything: Linux counts what the process held that
    started it, which may be a test run of some gibibytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    names = ("parse", "check", "prove", "format", "artifact", "case", "target")
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("harness", choices=names)
    parser.add_argument("--runs", type=int, default=100_000, help="inputs at most, the seeds included")
    parser.add_argument("--seconds", type=int, default=0, help="stop after so long; 0: after the runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="where inputs that reach new code are kept between runs")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzzing"), help="where what breaks it is written")
    parser.add_argument("--replay", type=Path, help="run this input alone")
    options = parser.parse_args()
    if options.replay is not None:
        from .harnesses import HARNESSES

        HARNESSES[options.harness](options.replay.read_bytes())
        return
    _fuzz(options)


def _fuzz(options: argparse.Namespace) -> None:
    import atheris  # pyright: ignore[reportMissingImports] - a development dependency, on Linux only

    with atheris.instrument_imports(include=["safecot_dsl"]):
        from .harnesses import HARNESSES
    from .corpus import LONGEST, dictionary, seeds
    from .mutating import mutated

    harness = HARNESSES[options.harness]

    def bounded(data: bytes) -> None:
        started = time.process_time()
        harness(data)
        spent = time.process_time() - started
        if spent > MOST_SECONDS:
            raise TimeoutError(f"one input took {spent:.0f} s")

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(seeds(options.harness)):
            (corpus / f"seed-{number:04}").write_bytes(seed)
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in dictionary(options.harness)))
        options.out.mkdir(parents=True, exist_ok=True)
        kept = [] if options.corpus is None else [str(options.corpus)]
        if options.corpus is not None:
            options.corpus.mkdir(parents=True, exist_ok=True)
        arguments = [
            sys.argv[0],
            f"-runs={options.runs}",
            f"-seed={options.seed}",
            f"-max_total_time={options.seconds}",
            f"-max_len={4 * LONGEST if options.harness == 'artifact' else LONGEST}",
            "-len_control=0",
            f"-timeout={MOST_WAITED}",
            f"-rss_limit_mb={_held_before() + MOST_MEBIBYTES}",
            f"-dict={words}",
            f"-artifact_prefix={options.out}/{options.harness}-",
            "-print_final_stats=1",
            *kept,
            str(corpus),
        ]
        if options.harness in ("artifact", "case"):

            def mutate(data: bytes, most: int, seed: int) -> bytes:
                changed = mutated(data, seed) if seed % 4 else None
                return atheris.Mutate(data, most) if changed is None else changed[:most]

            atheris.Setup(arguments, bounded, custom_mutator=mutate)
        else:
            atheris.Setup(arguments, bounded)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    """A word as libFuzzer's dictionaries write it."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
