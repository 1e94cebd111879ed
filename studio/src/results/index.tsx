import { Alert, Button, Select } from '@mantine/core';
import { IconAlertTriangle, IconChartDots } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Suspense, useCallback, useEffect, useMemo } from 'react';
import { Link } from 'wouter';
import { Empty } from '../parts/Empty';
import { Loading } from '../parts/Loading';
import { Prose } from '../parts/Prose';
import { whole } from '../parts/numbers';
import { fetched } from '../shell/fetched';
import { sentenceOf } from '../shell/say';
import { type ResultsAddress, useResultsAddress } from './address';
import { runName, tints } from './arms';
import { ArmTable } from './ArmTable';
import { results } from './calls';
import { Cases, useCases } from './Cases';
import { CaseView } from './CaseView';
import classes from './Results.module.css';
import './tints.css';
import { RuleTable } from './RuleTable';
import type { Results, Which } from './types';

// The library of the chart is loaded with it, after the tables stand.
const Plane = fetched(() => import('./Plane').then(({ Plane: component }) => ({ default: component })));

/** The Results room: the arms of every run, rule by rule, and the cases behind each figure. */
export default function ResultsRoom() {
  const address = useResultsAddress();
  const found = useQuery({ queryKey: ['results'], queryFn: ({ signal }) => results.all(signal), staleTime: 60_000 });
  if (found.isPending) return <Loading what="the results" />;
  // What is there stays while it cannot be asked for again.
  if (found.data === undefined) {
    return (
      <Empty icon={IconAlertTriangle} title="The results cannot be read" action={<Button onClick={() => void found.refetch()}>Try again</Button>}>
        <Prose text={sentenceOf(found.error)} />
      </Empty>
    );
  }
  const { runs } = found.data;
  const run = address.run !== null && runs.includes(address.run) ? address.run : runs[0];
  if (run === undefined) {
    return (
      <>
        <Unread unread={found.data.unread} />
        <Empty icon={IconChartDots} title="No results in this folder yet" action={<Button component={Link} href="/policy">Go to the policies</Button>}>
          Results come from a run that trains and evaluates: give the command <code>safecotc run RECIPE</code> in this folder, and its arms stand here when they have been asked.
        </Empty>
      </>
    );
  }
  return <RunResults key={run} run={run} data={found.data} address={address} />;
}

/** The runs that have no results to show, those together of which the same is to be said. */
function Unread({ unread }: { unread: Record<string, string> }) {
  const runs = new Map<string, string[]>();
  for (const [run, sentence] of Object.entries(unread)) runs.set(sentence, [...(runs.get(sentence) ?? []), run]);
  return (
    <>
      {[...runs].map(([sentence, those]) => (
        <Alert key={sentence} color="yellow" variant="light" p="xs" m="sm" title={those.join(', ')}>
          {sentence}
        </Alert>
      ))}
    </>
  );
}

function RunResults({ run, data, address }: { run: string; data: Results; address: ResultsAddress }) {
  const { suite, which, rule, arm, q, id, go } = address;
  const suites = data.suites[run] ?? [];
  const arms = useMemo(() => data.arms.filter((one) => one.suite === suite), [data.arms, suite]);
  const ours = useMemo(() => arms.filter((one) => one.run === run), [arms, run]);
  const tint = useMemo(() => tints(data.arms), [data.arms]);
  const rules = useQuery({ queryKey: ['result-rules', run, suite], queryFn: ({ signal }) => results.rules(run, suite, signal), staleTime: 60_000 });
  const cases = useCases({ run, suite, which, rule, arm, q });

  const openCases = (to: { run?: string; rule?: string | null; arm: string; which: Which }) => {
    go({ run: to.run ?? run, rule: to.rule ?? null, arm: to.arm, which: to.which, q: null });
    // The list stands below; who works by keyboard goes on there.
    requestAnimationFrame(() => {
      document.getElementById('cases-section')?.scrollIntoView({ block: 'start' });
      document.getElementById('cases')?.focus({ preventScroll: true });
    });
  };

  const place = id === null ? -1 : cases.cases.findIndex((one) => one.id === id);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = cases.pages;
  useEffect(() => {
    if (place >= cases.cases.length - 5 && place >= 0 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [place, cases.cases.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const move = useCallback(
    (by: 1 | -1) => {
      const next = cases.cases[place < 0 ? 0 : place + by];
      if (next) go({ case: next.id }, { replace: true });
    },
    [cases.cases, place, go],
  );

  if (id !== null) {
    return (
      <CaseView
        run={run}
        id={id}
        place={place < 0 ? '' : `${whole(place + 1)} of ${whole(cases.total)}`}
        tint={tint}
        first={arm}
        onClose={() => go({ case: null })}
        onMove={move}
      />
    );
  }
  return (
    <div className={classes.room}>
      <Unread unread={data.unread} />
      <header className={classes.head}>
        <h1 className={classes.title}>Results</h1>
        {data.runs.length > 1 ? (
          <Select
            aria-label="Run"
            data={data.runs.map((one) => ({ value: one, label: runName(one) }))}
            value={run}
            allowDeselect={false}
            onChange={(to) => go({ run: to, suite: null, rule: null, arm: null, which: null, q: null })}
          />
        ) : (
          <span className={classes.run}>{runName(run)}</span>
        )}
        <Select
          aria-label="Cases of"
          data={[{ value: '', label: 'Held-out cases, together' }, ...suites.map((one) => ({ value: one, label: one }))]}
          value={suite}
          allowDeselect={false}
          onChange={(to) => go({ suite: to })}
        />
      </header>
      {arms.length === 0 ? (
        <Empty icon={IconChartDots} title={`No arm was asked for ${suite}`} action={<Button variant="default" onClick={() => go({ suite: null })}>Show the held-out cases</Button>}>
          Choose other cases above.
        </Empty>
      ) : (
        <section className={classes.top} aria-labelledby="arms">
          <div className={classes.table}>
            <h2 id="arms" className={classes.heading}>
              Runs and arms
            </h2>
            <ArmTable arms={arms} runs={data.runs.length} tint={tint} onOpen={(of, kind) => openCases({ run: of.run, arm: of.arm, which: kind })} />
            <p className={classes.note}>In per cent, with 95 % intervals. A figure opens the cases behind it.</p>
          </div>
          <Suspense fallback={<Loading what="the chart" />}>
            <Plane arms={arms} runs={data.runs.length} tint={tint} onOpen={(of) => openCases({ run: of.run, arm: of.arm, which: 'over_refusal' })} />
          </Suspense>
        </section>
      )}
      <section aria-labelledby="rules">
        <h2 id="rules" className={classes.heading}>
          Rule by rule
        </h2>
        {rules.isPending ? <Loading what="the rules" /> : null}
        {rules.isError && !rules.data ? (
          <Empty icon={IconAlertTriangle} title="The rules cannot be read" action={<Button onClick={() => void rules.refetch()}>Try again</Button>}>
            <Prose text={sentenceOf(rules.error)} />
          </Empty>
        ) : null}
        {rules.data ? (
          <>
            <RuleTable rules={rules.data.rules} arms={ours} tint={tint} onOpen={(of, by, kind) => openCases({ rule: of, arm: by, which: kind })} />
            <p className={classes.note}>
              Per cent right of the cases that a rule decides. Over-refused: what must be answered and was refused, where the rule decides or comes nearest.
            </p>
          </>
        ) : null}
      </section>
      <Cases address={address} run={run} found={cases} arms={ours} rules={rules.data?.rules.map((one) => one.rule) ?? []} />
    </div>
  );
}
