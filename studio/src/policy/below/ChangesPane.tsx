import { Anchor, Button, Select, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconArrowNarrowRight, IconEqual } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { api } from '../../api/calls';
import type { ChangedRows, Verdict } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { Loading } from '../../parts/Loading';
import { many, whole } from '../../parts/numbers';
import { Prose } from '../../parts/Prose';
import { Verbatim } from '../../parts/Verbatim';
import { VerdictBadge, VERDICTS } from '../../parts/verdicts';
import { asSentence } from '../../parts/words';
import { useBench } from '../bench';
import { useLive } from '../live';
import { useRoom } from '../store';
import classes from './Below.module.css';
import { NotNow } from './NotNow';
import { RunSelect } from './RunSelect';

interface ChangesPaneProps {
  runs: readonly string[];
  run: string | null;
  setRun: (run: string | null) => void;
  /** What the text is held against: `saved`, or a revision. */
  against: string;
  setAgainst: (against: string) => void;
}

/** What a change of the text changes in meaning: the cases that are decided otherwise, and the rows of a run. */
export function ChangesPane({ runs, run, setRun, against, setAgainst }: ChangesPaneProps) {
  const bench = useBench();
  const version = useRoom((room) => room.version);
  const saved = useRoom((room) => room.saved?.digest);
  const [settled] = useDebouncedValue(version, 350);
  const revisions = useQuery({
    queryKey: ['revisions', bench.path],
    queryFn: ({ signal }) => api.revisions(bench.path, signal),
  });
  const live = useLive('changes', [bench.path, settled, saved, against, run], () => {
    const { text } = useRoom.getState();
    return api.changes({ path: bench.path, text }, against, run ?? undefined);
  });
  const { data } = live;
  const known = revisions.data?.revisions ?? [];

  return (
    <>
      <div className={classes.bar}>
        <span>Held against</span>
        <Select
          w={260}
          maw="100%"
          aria-label="What the text is held against"
          value={against}
          allowDeselect={false}
          searchable={known.length > 8}
          onChange={(value) => value && setAgainst(value)}
          comboboxProps={{ shadow: 'md', width: 380, position: 'bottom-start' }}
          data={[
            { value: 'saved', label: 'the saved file' },
            ...known.map(({ revision, subject, date }) => ({ value: revision, label: `${date.slice(0, 10)}  ${subject}` })),
          ]}
        />
        <RunSelect label="A run whose rows are decided anew" runs={runs} run={run} setRun={setRun} />
        {live.busy ? (
          <Text size="xs" c="dimmed">
            comparing
          </Text>
        ) : null}
      </div>
      {live.error ? <NotNow error={live.error} /> : null}
      {!data && !live.error ? <Loading what="what changed" /> : null}
      {data?.regions.length === 0 && !data.rows?.changed ? (
        <Empty icon={IconEqual} title="No case is decided otherwise">
          <Prose text={asSentence(data.message)} />{' '}
          {against === 'saved' ? `Change a rule${known.length > 0 ? ', or choose an older version to hold the text against' : ''}.` : ''}
        </Empty>
      ) : null}
      {data && data.regions.length > 0 ? (
        <Text size="sm" px={12} py={8}>
          <Prose text={asSentence(data.message)} />
        </Text>
      ) : null}
      <ul className={classes.list}>
        {data?.regions.map((region, index) => (
          <li key={index} className={classes.item}>
            <Step before={region.before} after={region.after} />
            <div className={classes.grow}>
              <Prose text={region.sentence} />
              {region.rules.length > 0 ? <div className={classes.code}>{region.rules.join(', ')}</div> : null}
            </div>
            <Button variant="default" size="compact-xs" onClick={() => bench.openCase(region.witness, 'such a case')}>
              Open such a case
            </Button>
          </li>
        ))}
      </ul>
      {data?.rows ? <Rows run={run} rows={data.rows} /> : null}
    </>
  );
}

function Step({ before, after }: { before: string; after: string | null }) {
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: 4, flex: 'none' }}>
      <Named verdict={before} />
      <IconArrowNarrowRight size={16} aria-label="becomes" />
      {after === null ? <Text size="xs">no longer fits</Text> : <Named verdict={after} />}
    </span>
  );
}

function Named({ verdict }: { verdict: string }) {
  return VERDICTS.includes(verdict as Verdict) ? <VerdictBadge verdict={verdict as Verdict} /> : <span>{verdict}</span>;
}

function Rows({ run, rows }: { run: string | null; rows: ChangedRows }) {
  return (
    <>
      <Text size="sm" px={12} py={8} fw={550}>
        {whole(rows.changed)} of {many(rows.total, 'row')} of {run} would have another verdict.
      </Text>
      <ul className={classes.list}>
        {rows.rows.map((row) => (
          <li key={row.id} className={classes.item}>
            <Step before={row.before} after={row.after} />
            <Anchor component={Link} size="sm" href={`/rows?${new URLSearchParams({ run: run ?? '', id: row.id }).toString()}`} title={row.id}>
              <Verbatim text={row.request || row.id} />
            </Anchor>
          </li>
        ))}
      </ul>
    </>
  );
}
