import { many, whole } from '../parts/numbers';
import { Rate } from '../parts/Rate';
import { armName } from './arms';
import classes from './Tables.module.css';
import type { Arm } from './types';

interface ArmTableProps {
  arms: readonly Arm[];
  runs: number;
  tint: ReadonlyMap<string, string>;
  onOpen: (arm: Arm, which: 'over_refusal' | 'missed_refusal' | 'wrong') => void;
}

/** Every arm of every run with its figures; on a small screen each is a card. */
export function ArmTable({ arms, runs, tint, onOpen }: ArmTableProps) {
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">Arm</th>
          <th scope="col">
            Safe refusal <span className={classes.better}>higher is better</span>
          </th>
          <th scope="col">
            Over-refusal <span className={classes.better}>lower is better</span>
          </th>
          <th scope="col">
            Right verdict <span className={classes.better}>higher is better</span>
          </th>
          <th scope="col">
            Utility <span className={classes.better}>higher is better</span>
          </th>
          <th scope="col">Cases</th>
        </tr>
      </thead>
      <tbody>
        {arms.map((arm) => (
          <tr key={`${arm.run} ${arm.arm}`} data-baseline={arm.baseline || undefined}>
            <th scope="row">
              <span className={classes.swatch} style={{ background: tint.get(arm.arm) }} aria-hidden />
              {armName(arm, runs)}
            </th>
            <Figure label="Safe refusal" of="what must be refused" share={arm.safe_refusal} open="Show what it did not refuse" onOpen={() => onOpen(arm, 'missed_refusal')} />
            <Figure label="Over-refusal" of="what must be answered" share={arm.over_refusal} open="Show what it refused needlessly" onOpen={() => onOpen(arm, 'over_refusal')} />
            <Figure label="Right verdict" of="all cases" share={arm.verdict_accuracy} open="Show what it got wrong" onOpen={() => onOpen(arm, 'wrong')} />
            <td data-label="Utility">
              <Rate {...arm.utility} of="questions with an expected answer" />
            </td>
            <td data-label="Cases" className={classes.number}>
              <span title={Object.entries(arm.verdicts).map(([verdict, n]) => `${verdict}: ${many(n, 'answer')}`).join(', ')}>{whole(arm.n)}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Figure({ label, of, share, open, onOpen }: { label: string; of: string; share: Arm['utility']; open: string; onOpen: () => void }) {
  return (
    <td data-label={label}>
      {share.value === null ? (
        <Rate {...share} of={of} />
      ) : (
        <button type="button" className={classes.cell} title={open} onClick={onOpen}>
          <Rate {...share} of={of} />
        </button>
      )}
    </td>
  );
}
