import type { Fact, Sentence, State, Verdict } from '../api/types';

export type RunState = 'complete' | 'unfinished' | 'other_version' | 'broken';

/** A run of the folder: its rows, or its evaluation. */
export interface Run {
  path: string;
  name: string;
  kind: 'data' | 'evaluation';
  /** The policy's name and version. */
  policy: string;
  rows: number;
  reviewed: number;
  state: RunState;
  /** What is the matter with it and what to do next. */
  message: string | null;
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
  /** False where it saw another row than there is now. */
  fits: boolean;
  /** Whether it was taken back. */
  undone: boolean;
}

export interface RowSummary {
  id: string;
  picture: boolean;
  request: string;
  verdict: string;
  rule: string;
  source: string;
  left_out: string | null;
  state: ReviewState;
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
  /** Null where nobody looked. */
  state: State | null;
  /** Where it comes from, in words. */
  from: string;
  by: { annotator: string; state: State | null; confidence: number | null; detail: string }[];
  changed: boolean;
  /** What it can be. */
  entry: Fact;
}

export interface Row extends RowSummary {
  facts: RowFact[];
  reasoning: Sentence[];
  answer: Sentence[];
  answer_text: string;
  read_as: { verdict: string; grade: string | null; right: boolean | null; marks: Mark[]; message: string | null };
  reviews: Review[];
  digest: string;
  pictures: number;
  /** The verdict that it was made with, where a review turned it. */
  before: Verdict | null;
  /** Whose words the reasoning is in: the policy's where a change made the row's own not fit any more. */
  texts_from: 'row' | 'policy';
  unsettled: string[];
  licence: string;
  /** The policy's file in the folder, where it is there. */
  policy_path: string | null;
  message: string | null;
}

export interface Facets {
  rule: Record<string, number>;
  verdict: Record<string, number>;
  source: Record<string, number>;
  left_out: Record<string, number>;
  left_out_labels: Record<string, string>;
  review: Partial<Record<ReviewState, number>>;
  /** Rows of which an annotator was not sure, or about which people differ with it or with each other. */
  doubts: number;
  total: number;
  /** Lines of the file of reviews that cannot be read. */
  faults: string[];
}

export interface Page {
  total: number;
  rows: RowSummary[];
  next: number | null;
}

export interface Agreement {
  reviewers: { a: string; b: string; n: number; agree: number; kappa: number | null; low: number; high: number }[];
  annotators: { annotator: string; fact: string; n: number; agree: number; low: number; high: number }[];
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
