import { Button, Text, UnstyledButton } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react';
import type { Finding } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { Prose } from '../../parts/Prose';
import { capitalised } from '../../parts/words';
import { useBench } from '../bench';
import { useRoom } from '../store';
import classes from './Below.module.css';

const SIGNS = {
  error: { icon: IconCircleX, color: 'var(--refuse)' },
  warning: { icon: IconAlertTriangle, color: 'var(--warn)' },
  note: { icon: IconInfoCircle, color: 'var(--clarify)' },
} as const;

const signOf = (severity: string) => (severity in SIGNS ? SIGNS[severity as keyof typeof SIGNS] : SIGNS.note);

/** What is wrong with a policy, or looks so; each with its fix, and the case that shows it. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) {
    return (
      <Empty icon={IconCircleCheck} title="Nothing to mend">
        The policy compiles, and the checks found nothing. Write an example next: fill in the case and keep it.
      </Empty>
    );
  }
  return <FindingList findings={findings} />;
}

function FindingList({ findings }: { findings: readonly Finding[] }) {
  const bench = useBench();
  const lit = useRoom((room) => (room.lit?.path === bench.path ? room.lit.line : null));
  return (
    <ul className={classes.list}>
      {findings.map((finding, index) => {
        const { code, severity, message, help, line, end_line: end, path, fix, witness } = finding;
        const sign = signOf(severity);
        const here = (path ?? bench.path) === bench.path;
        return (
          <li
            key={index}
            className={classes.item}
            data-lit={(here && lit !== null && lit >= line && lit <= end) || undefined}
            onMouseEnter={() => bench.point({ path, line })}
            onMouseLeave={() => bench.point(null)}
          >
            <sign.icon size={16} stroke={1.8} color={sign.color} aria-label={severity} />
            <div className={classes.grow}>
              <UnstyledButton className={classes.title} onClick={() => bench.goTo({ path, line })}>
                <Prose text={capitalised(message)} />
              </UnstyledButton>
              {help ? (
                <div className={classes.more}>
                  <Prose text={help} />
                </div>
              ) : null}
            </div>
            <span className={classes.code}>
              {code} · {here ? '' : `${path} `}line {line}
            </span>
            {witness ? (
              <Button variant="default" size="compact-xs" onClick={() => bench.openCase(witness, 'the case that shows it')}>
                Open its case
              </Button>
            ) : null}
            {fix && here ? (
              <Button size="compact-xs" onClick={() => bench.mend(fix)}>
                <Prose text={capitalised(fix.title)} />
              </Button>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

interface BrokenProps {
  findings: readonly Finding[];
  /** Whether what the text decided before it was broken stands below. */
  before: boolean;
}

/** The policy does not compile: what has to be mended first, with the fixes. */
export function Broken({ findings, before }: BrokenProps) {
  const errors = findings.filter((finding) => finding.severity === 'error');
  return (
    <div className={classes.broken} data-before={before || undefined} role="status">
      <Text size="sm" fw={600} px={12} pt={8} pb={2}>
        {before ? 'The policy does not compile; below stands what the text before it said.' : 'The policy does not compile. Mend this first:'}
      </Text>
      <FindingList findings={errors.length > 0 ? errors : findings} />
    </div>
  );
}
