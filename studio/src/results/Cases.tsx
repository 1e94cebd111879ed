import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconAlertTriangle, IconChecks, IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { Verdict } from '../api/types';
import { Empty } from '../parts/Empty';
import { Loading } from '../parts/Loading';
import { whole } from '../parts/numbers';
import { Picture } from '../parts/Picture';
import { Prose } from '../parts/Prose';
import { Verbatim } from '../parts/Verbatim';
import { VERDICTS, VerdictBadge } from '../parts/verdicts';
import { sentenceOf } from '../shell/say';
import type { ResultsAddress } from './address';
import { type CasesOf, pictureOfCase, results } from './calls';
import classes from './Cases.module.css';
import { type Arm, type CaseSummary, WHICH, WHICH_SAID } from './types';

/** The cases that an address limits to, page by page. */
export function useCases(of: CasesOf) {
  const pages = useInfiniteQuery({
    queryKey: ['cases', of],
    queryFn: ({ pageParam, signal }) => results.cases(of, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const cases = useMemo(() => pages.data?.pages.flatMap((page) => page.cases) ?? [], [pages.data]);
  return { pages, cases, total: pages.data?.pages[0]?.total ?? 0 };
}

interface CasesProps {
  address: ResultsAddress;
  run: string;
  found: ReturnType<typeof useCases>;
  arms: readonly Arm[];
  rules: readonly string[];
}

/** The cases with their filters; one opens with every arm's answer. */
export function Cases({ address, run, found, arms, rules }: CasesProps) {
  const { which, rule, arm, q, go } = address;
  const { pages, cases, total } = found;
  const labels = new Map(arms.map((one) => [one.arm, one.label]));
  const limited = which !== 'all' || rule !== null || arm !== null || q !== null;
  const clear = () => go({ which: null, rule: null, arm: null, q: null }, { replace: true });
  return (
    <section aria-labelledby="cases" className={classes.section} id="cases-section">
      <h2 id="cases" className={classes.title} tabIndex={-1}>
        Cases
      </h2>
      <div className={classes.filters} role="search" aria-label="Filter the cases">
        <div className={classes.which} role="group" aria-label="Which cases">
          {WHICH.map((one) => (
            <button key={one} type="button" aria-pressed={one === which} className={classes.pick} onClick={() => go({ which: one === 'all' ? null : one }, { replace: true })}>
              {WHICH_SAID[one]}
            </button>
          ))}
        </div>
        <div className={classes.more}>
          <Select
            aria-label="Rule"
            placeholder="Every rule"
            clearable
            searchable
            data={rule && !rules.includes(rule) ? [rule, ...rules] : [...rules]}
            value={rule}
            onChange={(value) => go({ rule: value }, { replace: true })}
          />
          <Select
            aria-label="Arm"
            placeholder="Any arm"
            clearable
            data={[...labels].map(([value, label]) => ({ value, label }))}
            value={arm}
            onChange={(value) => go({ arm: value }, { replace: true })}
          />
          <Search key={q ?? ''} value={q ?? ''} onSearch={(text) => go({ q: text }, { replace: true })} />
          {limited ? (
            <Button variant="default" onClick={clear}>
              Show all
            </Button>
          ) : null}
        </div>
      </div>
      <p className={classes.count} role="status">
        {pages.data ? `${whole(total)} ${total === 1 ? 'case' : 'cases'}` : pages.isError ? '' : 'Looking …'}
      </p>
      {pages.isPending ? <Loading what="the cases" /> : null}
      {pages.isError && cases.length === 0 ? (
        <Empty icon={IconAlertTriangle} title="The cases cannot be read" action={<Button onClick={() => void pages.refetch()}>Try again</Button>}>
          <Prose text={sentenceOf(pages.error)} />
        </Empty>
      ) : null}
      {pages.data && total === 0 ? (
        <Empty icon={IconChecks} title={which === 'all' ? 'No case fits' : `None: ${WHICH_SAID[which].toLowerCase()}`} action={limited ? <Button variant="default" onClick={clear}>Show all cases</Button> : undefined}>
          {limited ? 'Of the cases that are chosen here, none is of this kind. Take a limit off to see others.' : 'This run has no cases of this kind.'}
        </Empty>
      ) : null}
      <ul className={classes.list}>
        {cases.map((one) => (
          <li key={one.id}>
            <CaseLine run={run} one={one} labels={labels} arms={arms} onOpen={() => go({ case: one.id })} />
          </li>
        ))}
      </ul>
      {pages.hasNextPage ? (
        <Button variant="default" className={classes.next} loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Show more of {whole(total)}
        </Button>
      ) : null}
    </section>
  );
}

function Search({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(onSearch, 400);
  return (
    <TextInput
      type="search"
      aria-label="Search the requests"
      placeholder="Words of the request"
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}

interface CaseLineProps {
  run: string;
  one: CaseSummary;
  labels: ReadonlyMap<string, string>;
  arms: readonly Arm[];
  onOpen: () => void;
}

function CaseLine({ run, one, labels, arms, onOpen }: CaseLineProps) {
  const wrong = new Set(one.wrong);
  return (
    <button type="button" className={classes.case} onClick={onOpen} data-case={one.id}>
      <span className={classes.frame}>{one.picture ? <Picture src={pictureOfCase(run, one.id)} alt="" lazy /> : <span aria-hidden>Aa</span>}</span>
      <span className={classes.words}>
        <span className={classes.request}>
          <Verbatim text={one.request} />
        </span>
        <span className={classes.due}>
          due <DueBadge due={one.due} />
          <span className={classes.rule}>{one.rule === 'default' && one.near ? `default, near ${one.near}` : one.rule}</span>
        </span>
      </span>
      <span className={classes.readings}>
        {arms
          .filter((arm) => !arm.baseline && one.readings[arm.arm] !== undefined)
          .map((arm) => (
            <span key={arm.arm} className={classes.reading} data-wrong={wrong.has(arm.arm) || undefined}>
              <span className={classes.armName}>{labels.get(arm.arm) ?? arm.arm}</span>
              <span>{one.readings[arm.arm]}</span>
              <span className={classes.rightness}>{wrong.has(arm.arm) ? 'wrong' : 'right'}</span>
            </span>
          ))}
      </span>
    </button>
  );
}

/** What is due: a verdict, or in words what an answer must do. */
export function DueBadge({ due, size = 'xs' }: { due: string; size?: 'xs' | 'md' }) {
  return VERDICTS.includes(due as Verdict) ? <VerdictBadge verdict={due as Verdict} size={size} /> : <strong>{due}</strong>;
}
