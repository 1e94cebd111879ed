import type { Fact, FactKind, Sentence, State, Verdict } from '../api/types';

export type RunState = 'complete' | 'unfinished' | 'other_version' | 'broken';

/** A run of the folder: its rows, its evaluation or both. */
export interface Run {
  path: string;
  name: string;
  kind: 'data' | 'evaluation' | 'both';
  /** The policy's name and version. */
  policy: string;
  /** The policy's file in the folder, where it is still there. */
  policy_path?: string | null;
  rows: number;
  reviewed: number;
  state: RunState;
  /** What is the matter with it and what to do next; empty where nothing is. */
  message: string;
}

export type Action = 'accept' | 'reject' | 'change_fact' | 'change_answer' | 'comment' | 'undo';

export type ReviewState = 'unseen' | 'accepted' | 'rejected' | 'changed';

/** One line of `reviews.jsonl`. */
export interface Review {
  id: string;
  row: string;
  reviewer: string;
  at: string;
  action: Action;
  fact?: string | null;
  state?: State | null;
  answer?: string | null;
  comment?: string | null;
}

export interface RowSummary {
  id: string;
  picture: boolean;
  request: string;
  verdict: Verdict | null;
  rule: string | null;
  source: string;
  left_out: string | null;
  review: Review | null;
  /** Why this row stands where it does in the order "what teaches most first". */
  first_because: string | null;
}

export interface Mark {
  name: string;
  label: string;
  ok: boolean | null;
}

export interface RowFact {
  name: string;
  label: string;
  kind: FactKind;
  /** Null where nobody looked. */
  state: State | null;
  /** Where it comes from, in words. */
  from: string;
  by: { annotator: string; state: State | null }[];
}

export interface Row extends RowSummary {
  facts: RowFact[];
  reasoning: Sentence[];
  answer: Sentence[];
  read_as: { verdict: Verdict | 'unscored' | null; marks: Mark[] };
  reviews: Review[];
  digest: string;
}

export interface Facets {
  rule: Record<string, number>;
  verdict: Record<string, number>;
  source: Record<string, number>;
  left_out: Record<string, number>;
  review: Record<ReviewState, number>;
  disagreement: number;
}

export interface Page {
  total: number;
  rows: RowSummary[];
  next: string | null;
}

export interface Agreement {
  reviewers: { a: string; b: string; n: number; agree: number; kappa: number | null; low: number; high: number }[];
  annotators: { annotator: string; fact: string; n: number; agree: number; low: number; high: number }[];
}

export interface RunFacts {
  facts: Fact[];
}

/** What is looked for; the values stand in the page's address, so that a link opens the same list. */
export interface Filters {
  rule?: string;
  verdict?: string;
  source?: string;
  left_out?: string;
  review?: string;
  disagreement?: string;
  q?: string;
  order?: string;
}

export const FILTERS = ['rule', 'verdict', 'source', 'left_out', 'review', 'disagreement', 'q', 'order'] as const;
