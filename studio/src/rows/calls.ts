import { addressHere, get, post } from '../api/client';
import type { Agreement, Facets, Filters, Page, Review, Row, Run } from './types';
import type { Waiting } from './outbox';

/** How many rows a page of the list has: the pictures of some six screens. */
const PAGE = 120;

/** The calls of the Rows room. */
export const rows = {
  runs: (signal?: AbortSignal) => get<{ runs: Run[] }>('/runs', undefined, signal).then((answer) => answer.runs),
  facets: (run: string, signal?: AbortSignal) => get<Facets>('/runs/facets', { run }, signal),
  page: (run: string, filters: Filters, cursor: number, signal?: AbortSignal) =>
    get<Page>('/runs/rows', { run, ...filters, cursor, limit: PAGE }, signal),
  row: (run: string, id: string, signal?: AbortSignal) => get<Row>('/runs/row', { run, id }, signal),
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

/** Where a picture of a row is; they are numbered from 0. */
export const pictureOfRow = (run: string, id: string, number = 0): string => addressHere('/runs/picture', { run, id, number });
