import { VisuallyHidden } from '@mantine/core';
import { Link } from 'wouter';
import type { Verdict } from '../api/types';
import { policyLink } from '../parts/links';
import { percent } from '../parts/numbers';
import { VerdictBadge } from '../parts/verdicts';
import classes from './Tables.module.css';
import type { Arm, RuleArm, RuleResult, Which } from './types';

interface RuleTableProps {
  rules: readonly RuleResult[];
  arms: readonly Arm[];
  tint: ReadonlyMap<string, string>;
  onOpen: (rule: string, arm: string, which: Which) => void;
}

/** Each rule and each arm: how many of its cases the arm got right; a cell opens these cases. */
export function RuleTable({ rules, arms, tint, onOpen }: RuleTableProps) {
  const shown = arms.filter((arm) => !arm.baseline);
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">Rule</th>
          {shown.map((arm) => (
            <th key={arm.arm} scope="col">
              <span className={classes.swatch} style={{ background: tint.get(arm.arm) }} aria-hidden />
              {arm.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => (
          <tr key={rule.rule}>
            <th scope="row">
              <span className={classes.ruleName}>
                {rule.path && rule.line !== null ? (
                  <Link href={policyLink({ path: rule.path, line: rule.line })} className={classes.ruleLink} title={`Open ${rule.path}, line ${rule.line}`}>
                    {rule.rule}
                  </Link>
                ) : (
                  rule.rule
                )}
                <VerdictBadge verdict={rule.verdict as Verdict} size="xs" />
              </span>
              {rule.label && rule.label !== rule.rule ? <span className={classes.label}>{rule.label}</span> : null}
            </th>
            {shown.map((arm) => {
              const cell = rule.arms[arm.arm];
              return (
                <td key={arm.arm} data-label={arm.label}>
                  {cell && cell.n + cell.over_refused > 0 ? (
                    <Cell cell={cell} onOpen={(which) => onOpen(rule.rule, arm.arm, which)} of={`${rule.rule}, ${arm.label}`} />
                  ) : (
                    <span className={classes.none}>no cases</span>
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell({ cell, of, onOpen }: { cell: RuleArm; of: string; onOpen: (which: Which) => void }) {
  const share = cell.n === 0 ? null : cell.right / cell.n;
  return (
    <span className={classes.ruleCell}>
      {share === null ? null : (
        <button type="button" className={classes.cell} onClick={() => onOpen(cell.right < cell.n ? 'wrong' : 'all')}>
          <span>
            <VisuallyHidden component="span">{of}: </VisuallyHidden>
            <strong>{percent(share)}</strong>
            <VisuallyHidden component="span"> per cent, </VisuallyHidden>
            <span className={classes.counts}>
              {cell.right} of {cell.n}
            </span>
            <VisuallyHidden component="span"> right. Show these cases</VisuallyHidden>
          </span>
          <span className={classes.share} aria-hidden>
            <span style={{ inlineSize: `${100 * share}%` }} />
          </span>
        </button>
      )}
      <span className={classes.faults}>
        {cell.over_refused > 0 ? (
          <button type="button" className={classes.fault} onClick={() => onOpen('over_refusal')} aria-label={`${of}: ${cell.over_refused} over-refused. Show these cases`}>
            {cell.over_refused} over-refused
          </button>
        ) : null}
        {cell.missed > 0 ? (
          <button type="button" className={classes.fault} onClick={() => onOpen('missed_refusal')} aria-label={`${of}: ${cell.missed} not refused. Show these cases`}>
            {cell.missed} not refused
          </button>
        ) : null}
      </span>
    </span>
  );
}
