import { useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { rows } from './calls';
import { add, onSaved, useOutbox, type Waiting } from './outbox';
import { useReviewer } from './reviewer';
import { waitingByRow } from './standing';
import type { Page, Row, RowSummary } from './types';

type Made = Pick<Waiting, 'action' | 'fact' | 'state' | 'answer' | 'comment'>;

/** The reviews of a run in this browser: making one, what waits, and the lists that a saved one changes. */
export function useReviewing(run: string) {
  const queries = useQueryClient();
  const all = useOutbox((state) => state.waiting);
  const waiting = useMemo(() => waitingByRow(all, run), [all, run]);
  /** The rows that were reviewed in this visit, the latest last: what "undo" goes back through. */
  const done = useRef<{ id: string; digest: string }[]>([]);
  const counted = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useEffect(
    () =>
      onSaved((sent, { row }) => {
        queries.setQueryData(['row', sent.run, sent.id], row);
        // The row keeps its place in the list, whatever the filter says of it now: a list that moves while one reviews
        // takes the next row away. Which rows fit is asked again by the button, or when the filter changes.
        queries.setQueriesData<InfiniteData<Page>>({ queryKey: ['rows', sent.run] }, (data) => data && withRow(data, row));
        clearTimeout(counted.current);
        counted.current = setTimeout(() => {
          void queries.invalidateQueries({ queryKey: ['facets', sent.run] });
          void queries.invalidateQueries({ queryKey: ['runs'] });
        }, 400);
      }),
    [queries],
  );

  const review = useCallback(
    (row: { id: string; digest: string }, made: Made) => {
      add({ run, id: row.id, digest: row.digest, reviewer: useReviewer.getState().name, ...made });
      if (made.action !== 'undo' && made.action !== 'comment') done.current.push({ id: row.id, digest: row.digest });
    },
    [run],
  );

  /** Take the last review back, of `row` where none was made in this visit; the id of the row that it is of. */
  const undo = useCallback(
    (row: { id: string; digest: string }): string => {
      const last = done.current.pop() ?? row;
      add({ run, id: last.id, digest: last.digest, reviewer: useReviewer.getState().name, action: 'undo' });
      return last.id;
    },
    [run],
  );

  const freshDigest = useCallback(
    async (of: string, id: string) => {
      const row = await rows.row(of, id);
      queries.setQueryData<Row>(['row', of, id], row);
      return row.digest;
    },
    [queries],
  );

  return { waiting, review, undo, freshDigest };
}

function withRow(data: InfiniteData<Page>, row: Row): InfiniteData<Page> {
  const summary = summaryOf(row);
  return {
    ...data,
    pages: data.pages.map((page) =>
      page.rows.some((one) => one.id === row.id)
        ? { ...page, rows: page.rows.map((one) => (one.id === row.id ? { ...summary, first_because: one.first_because } : one)) }
        : page,
    ),
  };
}

function summaryOf({ id, picture, request, verdict, rule, source, left_out, state, review, first_because }: Row): RowSummary {
  return { id, picture, request, verdict, rule, source, left_out, state, review, first_because };
}
