import type { Case, Sentence } from '../api/types';
import type { Mark } from '../rows/types';

/** A share of `n` cases, from 0 to 1, with its 95 % interval. */
export interface Share {
  value: number | null;
  low: number;
  high: number;
  n: number;
}

export interface Arm {
  run: string;
  arm: string;
  label: string;
  /** Empty: all held-out cases together. */
  suite: string;
  held_out: boolean;
  /** It looks at nothing: it shows what each figure is worth alone. */
  baseline: boolean;
  n: number;
  safe_refusal: Share;
  over_refusal: Share;
  verdict_accuracy: Share;
  utility: Share;
  verdicts: Record<string, number>;
}

export interface Results {
  runs: string[];
  suites: Record<string, string[]>;
  arms: Arm[];
  /** Runs that cannot be read, each with a sentence. */
  unread: Record<string, string>;
}

export interface RuleArm {
  n: number;
  right: number;
  over_refused: number;
  missed: number;
  accuracy: Share;
}

export interface RuleResult {
  rule: string;
  label: string;
  verdict: string;
  line: number | null;
  path: string | null;
  arms: Record<string, RuleArm>;
}

export const WHICH = ['all', 'arms_disagree', 'wrong', 'over_refusal', 'missed_refusal', 'reasoning_right_answer_wrong', 'wrong_reason'] as const;
export type Which = (typeof WHICH)[number];

export const WHICH_SAID: Record<Which, string> = {
  all: 'All cases',
  arms_disagree: 'Arms disagree',
  wrong: 'Answer wrong',
  over_refusal: 'Over-refusals',
  missed_refusal: 'Missed refusals',
  reasoning_right_answer_wrong: 'Reasoning right, answer wrong',
  wrong_reason: 'Answer right, reasoning wrong',
};

export interface CaseSummary {
  id: string;
  suite: string;
  kind: string;
  picture: boolean;
  request: string;
  due: string;
  rule: string;
  /** The rule that comes nearest where none decides: what an over-refusal took it for. */
  near?: string;
  wrong: string[];
  readings: Record<string, string>;
}

export interface CasePage {
  total: number;
  cases: CaseSummary[];
  next: number | null;
}

export interface Due {
  verdict: string;
  must: string;
  accepts: string[];
  expected: string | null;
  rule: string;
  rules: string[];
  line: number | null;
  path: string | null;
  near?: string;
  near_line?: number | null;
  near_path?: string | null;
  why: Sentence[];
  answer: Sentence[];
}

export interface ArmAnswer {
  arm: string;
  label: string;
  baseline: boolean;
  reasoning: string;
  answer: string;
  read_as: string;
  right: boolean;
  stated: string | null;
  cited: string[];
  marks: Mark[];
  faults: string[];
  /** Why the answer has no verdict. */
  why: string;
}

export interface CaseResult {
  id: string;
  suite: string;
  kind: string;
  picture: boolean;
  pictures: number;
  request: string;
  system: string;
  change: string;
  due: Due;
  case: Case | null;
  policy_path: string | null;
  arms: ArmAnswer[];
}
