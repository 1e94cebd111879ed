import { ActionIcon, Button, Drawer, Progress, Select, Text, Tooltip, VisuallyHidden } from '@mantine/core';
import { useDisclosure, useHotkeys, useMediaQuery } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconAlertTriangle, IconRefresh, IconTable, IconUsers } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Empty } from '../parts/Empty';
import { unlessDialog } from '../parts/keys';
import { Loading } from '../parts/Loading';
import { whole } from '../parts/numbers';
import { Prose } from '../parts/Prose';
import { Verbatim } from '../parts/Verbatim';
import { sentenceOf } from '../shell/say';
import { useRowsAddress } from './address';
import { AgreementDialog } from './AgreementDialog';
import { rows } from './calls';
import { Filters } from './Filters';
import { GenerateButton, GenerateProgress } from './Generate';
import { Grid } from './Grid';
import { Reviewing } from './Reviewing';
import classes from './RunRows.module.css';
import { Saving } from './Saving';
import type { Run } from './types';
import { useReviewing } from './useReviewing';

/** How many of the rows to come are held ready. */
const AHEAD = 10;

/** The rows of one run: filters, the grid, and beside it the row that is open. */
export function RunRows({ run, runs }: { run: Run; runs: readonly Run[] }) {
  const address = useRowsAddress();
  const { filters, id, go } = address;
  const queries = useQueryClient();
  const reviewing = useReviewing(run.path);
  const [agreement, showAgreement] = useDisclosure(false);
  const [drawer, showDrawer] = useDisclosure(false);
  const [said, setSaid] = useState('');
  const wide = useMediaQuery('(min-width: 1180px)', true, { getInitialValueInEffect: false });
  const phone = useMediaQuery('(max-width: 820px)', false, { getInitialValueInEffect: false });

  const facets = useQuery({ queryKey: ['facets', run.path], queryFn: ({ signal }) => rows.facets(run.path, signal) });
  const pages = useInfiniteQuery({
    queryKey: ['rows', run.path, filters],
    queryFn: ({ pageParam, signal }) => rows.page(run.path, filters, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    // Reviews change what a filter fits; the list is made anew when a person asks for it.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const list = useMemo(() => pages.data?.pages.flatMap((page) => page.rows) ?? [], [pages.data]);
  const total = pages.data?.pages[0]?.total ?? 0;

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const open = useCallback(
    (row: string | null) => {
      // Of what was left out the run keeps a few requests as examples, and no row that could be opened.
      if (row === null || filters.left_out === undefined) go({ id: row }, { replace: id !== null && row !== null });
    },
    [go, id, filters.left_out],
  );

  const place = id === null ? -1 : list.findIndex((row) => row.id === id);
  useEffect(() => {
    if (place >= 0 && place >= list.length - 10) more();
  }, [place, list.length, more]);
  const move = useCallback(
    (by: 1 | -1): boolean => {
      const next = list[place < 0 ? 0 : place + by];
      if (!next) return false;
      open(next.id);
      setSaid(`Row ${Math.max(0, place) + by + 1} of ${total}: ${next.request}`);
      return true;
    },
    [list, place, open, total],
  );
  // The rows to come are fetched before they are asked for: no wait between two rows, and a lost connection stops nobody at once.
  useEffect(() => {
    if (place < 0) return;
    for (const next of list.slice(place + 1, place + 1 + AHEAD)) {
      queries
        .query({ queryKey: ['row', run.path, next.id], queryFn: ({ signal }) => rows.row(run.path, next.id, signal), staleTime: 60_000 })
        .catch(() => undefined);
    }
  }, [place, list, queries, run.path]);

  useHotkeys([
    ['/', unlessDialog(() => (wide ? document.getElementById('rows-search')?.focus() : showDrawer.open()))],
    ['j', unlessDialog(() => id === null && move(1))],
  ]);

  const review = facets.data?.review;
  const all = facets.data?.total ?? run.rows;
  const seen = review ? all - (review.unseen ?? 0) : run.reviewed;
  const filterForm = <Filters address={address} facets={facets.data} />;

  return (
    <div className={classes.room}>
      <header className={classes.head} data-open={id !== null || undefined}>
        <VisuallyHidden component="h1">Rows of {run.name}</VisuallyHidden>
        <Select
          aria-label="Run"
          className={classes.run}
          data={runs
            .filter((one) => one.kind !== 'evaluation' && one.state === 'complete')
            .map((one) => ({ value: one.path, label: one.name }))}
          value={run.path}
          allowDeselect={false}
          onChange={(path) => path && go({ run: path, id: null, rule: null, verdict: null, source: null, left_out: null, review: null, disagreement: null, q: null })}
        />
        <div className={classes.progress}>
          <Text size="sm" component="span">
            <strong>{whole(seen)}</strong> of {whole(all)} reviewed
          </Text>
          <Progress size={4} value={(100 * seen) / Math.max(1, all)} aria-label="Rows reviewed" />
        </div>
        <div className={classes.tools}>
          {wide ? null : (
            <Button variant="default" leftSection={<IconAdjustmentsHorizontal size={15} aria-hidden />} onClick={showDrawer.open}>
              Filter{address.filtered ? ' (on)' : ''}
            </Button>
          )}
          <Button variant="default" leftSection={<IconUsers size={15} aria-hidden />} onClick={showAgreement.open}>
            Agreement
          </Button>
          <GenerateButton run={run.path} facets={facets.data} />
        </div>
      </header>
      <Saving freshDigest={reviewing.freshDigest} />
      <GenerateProgress run={run.path} />
      {facets.data && facets.data.faults.length > 0 ? (
        <Text size="sm" className={classes.faults} role="status">
          {facets.data.faults.length === 1 ? 'A line' : `${facets.data.faults.length} lines`} of the file of reviews cannot be read and {facets.data.faults.length === 1 ? 'is' : 'are'} passed over: <Verbatim text={facets.data.faults[0] ?? ''} />
        </Text>
      ) : null}
      <div className={classes.body} data-open={id !== null || undefined}>
        {wide ? <aside className={classes.side}>{filterForm}</aside> : null}
        {phone && id !== null ? null : (
          <section className={classes.list} aria-label="Rows">
            <div className={classes.count}>
              <Text size="xs" c="dimmed" role="status">
                {pages.data ? (filters.left_out ? `${whole(total)} left out; these are kept as examples` : address.filtered ? `${whole(total)} of ${whole(all)} rows` : `${whole(total)} rows`) : pages.isError ? '' : 'Looking …'}
              </Text>
              <Tooltip label="Look again which rows fit">
                <ActionIcon size="sm" aria-label="Look again which rows fit" onClick={() => void queries.invalidateQueries({ queryKey: ['rows', run.path] })} loading={pages.isFetching && !isFetchingNextPage}>
                  <IconRefresh size={14} stroke={1.7} aria-hidden />
                </ActionIcon>
              </Tooltip>
            </div>
            {pages.isPending ? <Loading what="the rows" /> : null}
            {pages.isError && list.length === 0 ? (
              <Empty icon={IconAlertTriangle} title="The rows cannot be read" action={<Button onClick={() => void pages.refetch()}>Try again</Button>}>
                <Prose text={sentenceOf(pages.error)} />
              </Empty>
            ) : null}
            {pages.data && total === 0 ? (
              <Empty
                icon={IconTable}
                title={address.filtered ? 'No row fits' : 'This run has no rows'}
                action={
                  address.filtered ? (
                    <Button variant="default" onClick={() => go({ rule: null, verdict: null, source: null, left_out: null, review: null, disagreement: null, q: null })}>
                      Show all rows
                    </Button>
                  ) : undefined
                }
              >
                {address.filtered ? 'Take one of the limits off, or search for other words.' : 'Every candidate was left out; "left out, and why" beside this list says for what reasons.'}
              </Empty>
            ) : null}
            {total > 0 ? <Grid run={run.path} rows={list} total={total} open={id} waiting={reviewing.waiting} onOpen={open} onEnd={more} /> : null}
          </section>
        )}
        {id !== null ? (
          <Reviewing
            key={run.path}
            run={run.path}
            id={id}
            summary={list[place] ?? null}
            place={place < 0 ? 'not in this list' : `${whole(place + 1)} of ${whole(total)}`}
            reviewing={reviewing}
            onMove={move}
            onOpen={open}
            onSay={setSaid}
          />
        ) : null}
      </div>
      <Drawer opened={drawer} onClose={showDrawer.close} title="Filter the rows" size="min(340px, 90vw)">
        {filterForm}
      </Drawer>
      {agreement ? <AgreementDialog run={run.path} onClose={showAgreement.close} /> : null}
      <VisuallyHidden role="status" aria-live="polite">
        {said}
      </VisuallyHidden>
    </div>
  );
}
