import { addressHere, get } from '../api/client';
import type { CasePage, CaseResult, Results, RuleResult, Which } from './types';

const PAGE = 100;

export interface CasesOf {
  run: string;
  suite: string;
  which: Which;
  rule: string | null;
  arm: string | null;
  q: string | null;
}

/** The calls of the Results room. */
export const results = {
  all: (signal?: AbortSignal) => get<Results>('/results', undefined, signal),
  rules: (run: string, suite: string, signal?: AbortSignal) => get<{ rules: RuleResult[] }>('/results/rules', { run, suite }, signal),
  cases: (of: CasesOf, cursor: number, signal?: AbortSignal) => get<CasePage>('/results/cases', { ...of, cursor, limit: PAGE }, signal),
  one: (run: string, id: string, signal?: AbortSignal) => get<CaseResult>('/results/case', { run, id }, signal),
};

/** Where a picture of a case is; they are numbered from 0. */
export const pictureOfCase = (run: string, id: string, number = 0): string => addressHere('/results/picture', { run, id, number });
