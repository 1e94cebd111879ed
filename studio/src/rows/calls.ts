import { address, get, post } from '../api/client';
import type { Agreement, Facets, Filters, Page, Review, Row, Run, RunFacts } from './types';
import type { Waiting } from './outbox';

/** How many rows a page of the list has: the pictures of some six screens. */
const PAGE = 120;

/** The calls of the Rows room. */
export const rows = {
  runs: (signal?: AbortSignal) => get<Run[] | { runs: Run[] }>('/runs', undefined, signal).then(listOf),
  facets: (run: string, signal?: AbortSignal) => get<Facets>('/runs/facets', { run }, signal),
  page: (run: string, filters: Filters, cursor: string | null, signal?: AbortSignal) =>
    get<Page>('/runs/rows', { run, ...filters, cursor, limit: PAGE }, signal),
  row: (run: string, id: string, signal?: AbortSignal) => get<Row>('/runs/row', { run, id }, signal),
  facts: (run: string, signal?: AbortSignal) => get<RunFacts>('/runs/facts', { run }, signal),
  agreement: (run: string, signal?: AbortSignal) => get<Agreement>('/runs/agreement', { run }, signal),
  review: ({ run, id, reviewer, digest, action, fact, state, answer, comment, key }: Waiting) =>
    post<{ review: Review; row: Row }>('/runs/review', {
      run,
      id,
      reviewer,
      digest,
      action,
      key,
      ...(action === 'change_fact' ? { fact, state: state ?? null } : {}),
      ...(action === 'change_answer' ? { answer } : {}),
      ...(comment ? { comment } : {}),
    }),
};

function listOf(answer: Run[] | { runs: Run[] }): Run[] {
  return Array.isArray(answer) ? answer : answer.runs;
}

/** Where a row's picture is. */
export const pictureOfRow = (run: string, id: string): string => address('/runs/picture', { run, id });
