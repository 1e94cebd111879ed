import { Text, UnstyledButton } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import type { Coverage } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { Loading } from '../../parts/Loading';
import { Prose } from '../../parts/Prose';
import { many } from '../../parts/numbers';
import { capitalised } from '../../parts/words';
import { useBench } from '../bench';
import type { Live } from '../live';
import { useRoom } from '../store';
import classes from './Below.module.css';
import { NotNow } from './NotNow';
import { RunSelect } from './RunSelect';

interface CoveragePaneProps {
  live: Live<Coverage>;
  runs: readonly string[];
  run: string | null;
  setRun: (run: string | null) => void;
}

/** The lines that no example, and no row of a chosen run, reaches: what the margin shows, as a list. */
export function CoveragePane({ live, runs, run, setRun }: CoveragePaneProps) {
  const bench = useBench();
  const lit = useRoom((room) => (room.lit?.path === bench.path ? room.lit.line : null));
  const lines = live.data?.lines ?? [];
  const open = lines.filter((line) => !line.reached || line.missing.length > 0);
  return (
    <>
      <div className={classes.bar}>
        <span>Reached by the examples</span>
        <RunSelect label="A run whose rows count as well" runs={runs} run={run} setRun={setRun} />
        <Text size="xs" c="dimmed" role="status">
          {live.busy ? 'counting' : said(live.data, run)}
        </Text>
      </div>
      {live.error ? <NotNow error={live.error} /> : null}
      {!live.data && !live.error ? <Loading what="what is reached" /> : null}
      {live.data && open.length === 0 ? (
        <Empty icon={IconCircleCheck} title="Every line is reached">
          Each rule, condition and sentence matters in some example{run ? ' or row' : ''}.
        </Empty>
      ) : null}
      {open.length > 0 ? (
        <Text size="sm" px={12} py={8}>
          {many(open.length, 'place')} of {lines.length} {open.length === 1 ? 'is' : 'are'} not fully exercised. Fill in a case that reaches one, and keep it as an example.
        </Text>
      ) : null}
      <ul className={classes.list}>
        {open.map((line) => (
          <li
            key={`${line.line} ${line.end_line} ${line.what}`}
            className={classes.item}
            data-lit={line.line === lit || undefined}
            onMouseEnter={() => bench.point({ path: bench.path, line: line.line })}
            onMouseLeave={() => bench.point(null)}
          >
            <IconCircleDashed size={16} stroke={1.8} color="var(--warn)" aria-hidden />
            <div className={classes.grow}>
              <UnstyledButton className={classes.title} onClick={() => bench.goTo({ path: bench.path, line: line.line })}>
                <Prose text={line.reached ? `${capitalised(named(line.what))} is reached in part` : `No example${run ? ' or row' : ''} reaches ${named(line.what)}`} />
              </UnstyledButton>
              {line.missing.length > 0 ? (
                <div className={classes.more}>
                  <Prose text={`Not yet: ${line.missing.join('; ')}`} />
                </div>
              ) : null}
            </div>
            <span className={classes.code}>line {line.line}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The last words of a policy, of which there is one each, by their names; anything else as one of many. */
const named = (what: string) => (what === 'unsure' || what === 'default' ? `\`${what}\`` : `this ${what}`);

function said(coverage: Coverage | undefined, run: string | null): string {
  if (!coverage || run === null) return '';
  return `${many(coverage.rows, 'row')}${coverage.complete ? '' : ' and more, which were not looked at'}`;
}
