import type { Waiting } from './outbox';
import type { Action, ReviewState, RowSummary } from './types';

/** How a row stands, with what has not reached the server yet. */
export interface Standing {
  state: ReviewState;
  by: string | null;
  /** Whether part of it is still on its way. */
  waiting: boolean;
}

const STATES: Partial<Record<Action, ReviewState>> = {
  accept: 'accepted',
  reject: 'rejected',
  change_fact: 'changed',
  change_answer: 'changed',
};

export const STANDING_SAID: Record<ReviewState, string> = {
  unseen: 'not reviewed',
  accepted: 'accepted',
  rejected: 'rejected',
  changed: 'changed',
};

export function standing(row: Pick<RowSummary, 'state' | 'review'> | null, waiting: readonly Waiting[]): Standing {
  const last = waiting.findLast((one) => one.action !== 'comment');
  if (last) return { state: STATES[last.action] ?? 'unseen', by: last.reviewer, waiting: true };
  return {
    state: row?.state ?? 'unseen',
    by: row?.review?.reviewer ?? null,
    waiting: waiting.length > 0,
  };
}

/** The rows of a run that wait, by id. */
export function waitingByRow(waiting: readonly Waiting[], run: string): Map<string, Waiting[]> {
  const rows = new Map<string, Waiting[]>();
  for (const one of waiting) {
    if (one.run !== run) continue;
    const held = rows.get(one.id);
    if (held) held.push(one);
    else rows.set(one.id, [one]);
  }
  return rows;
}
