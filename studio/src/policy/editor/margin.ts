import { type Extension, RangeSet, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, gutter, GutterMarker } from '@codemirror/view';
import type { CoveredLine } from '../../api/types';
import { many } from '../../parts/numbers';

/** Lights up a line, counted from 1; null puts it out. */
export const lightLine = StateEffect.define<number | null>();
/** Shows what reaches each line. */
export const showCoverage = StateEffect.define<CoveredLine[]>();

const lit = Decoration.line({ class: 'cm-lit' });

const litLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    let now = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(lightLine)) continue;
      const { doc } = transaction.state;
      const line = effect.value;
      now = line && line <= doc.lines ? Decoration.set(lit.range(doc.line(line).from)) : Decoration.none;
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** A bar in the margin: full where an example reaches the line, broken where nothing does. */
class Reach extends GutterMarker {
  constructor(readonly covered: CoveredLine) {
    super();
  }

  override eq(other: Reach) {
    const { line, examples, rows, reached } = this.covered;
    const { covered } = other;
    return line === covered.line && examples === covered.examples && rows === covered.rows && reached === covered.reached;
  }

  override toDOM() {
    const { reached, examples, rows, what, missing } = this.covered;
    const bar = document.createElement('span');
    bar.className = reached ? 'cm-reached' : 'cm-unreached';
    const by = [examples > 0 ? many(examples, 'example') : '', rows > 0 ? many(rows, 'row') : ''].filter(Boolean);
    const rest = missing.length > 0 ? `; not exercised: ${missing.join(', ')}` : '';
    bar.title = reached ? `${what}: reached by ${by.join(' and ')}${rest}` : `${what}: no example or row reaches this line${rest}`;
    bar.setAttribute('role', 'img');
    bar.setAttribute('aria-label', bar.title);
    return bar;
  }
}

const coverage = StateField.define<RangeSet<GutterMarker>>({
  create: () => RangeSet.empty,
  update(shown, transaction) {
    let now = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(showCoverage)) continue;
      const { doc } = transaction.state;
      // Of several on one line the one that is not reached counts; of a stretch, its first line is marked.
      const lines = [...effect.value].sort((one, other) => one.line - other.line || Number(one.reached) - Number(other.reached));
      const builder = new RangeSetBuilder<GutterMarker>();
      let before = 0;
      for (const covered of lines) {
        if (covered.line <= before || covered.line > doc.lines) continue;
        const { from } = doc.line(covered.line);
        builder.add(from, from, new Reach(covered));
        before = covered.line;
      }
      now = builder.finish();
    }
    return now;
  },
});

/** The lit line, and the bars of coverage beside the numbers of the lines. */
export function margin(): Extension {
  return [
    litLine,
    coverage,
    gutter({ class: 'cm-coverage', markers: (view) => view.state.field(coverage), initialSpacer: () => new Reach({ line: 0, end_line: 0, missing: [], reached: true, examples: 0, rows: 0, what: '' }) }),
  ];
}
