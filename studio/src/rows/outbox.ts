import { create } from 'zustand';
import { ApiError } from '../api/client';
import type { State } from '../api/types';
import { rows } from './calls';
import type { Action, Review, Row } from './types';

/** A review that the server has not confirmed yet. */
export interface Waiting {
  /** Made by the page: the same review sent twice is written once. */
  key: string;
  /** The order in which they were made, in this browser. */
  turn: number;
  at: string;
  /** The address of the folder that the run lies in: other folders' studios keep their reviews in the same browser. */
  folder?: string;
  run: string;
  id: string;
  reviewer: string;
  digest: string;
  action: Action;
  fact?: string;
  state?: State | null;
  answer?: string;
  comment?: string;
  /** Why the server did not take it; it is then kept until a person says what becomes of it. */
  refused?: string;
}

interface Outbox {
  waiting: Waiting[];
  /** Whether the last attempt found no server. */
  lost: boolean;
  /** Whether the browser would not keep them: they are then in this page alone. */
  unkept: boolean;
}

const PREFIX = 'safecot.review.';
const LOCK = 'safecot.reviews';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

/**
 * The reviews on their way to the server. Each stands under a key of its own in the browser's storage before it is sent
 * and is taken out when the server has written it, so a lost connection, a reload or a second tab loses none.
 */
export const useOutbox = create<Outbox>(() => ({ waiting: [], lost: false, unkept: false }));

type Saved = (sent: Waiting, answer: { review: Review; row: Row }) => void;

const listeners = new Set<Saved>();
/** The digest of each row as the server last gave it: of two reviews of a row the second is of the row after the first. */
const digests = new Map<string, string>();
/** The folder that is served, once it is known: nothing is sent before, and what is of another folder waits for that one. */
let folder: string | null = null;
let pause = FIRST_PAUSE;
let timer: ReturnType<typeof setTimeout> | undefined;

export function onSaved(listener: Saved): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function add(review: Omit<Waiting, 'key' | 'turn' | 'at' | 'folder'>): void {
  const { waiting } = useOutbox.getState();
  const turn = Math.max(Date.now(), ...waiting.map((one) => one.turn + 1));
  const made: Waiting = { ...review, ...(folder === null ? {} : { folder }), key: crypto.randomUUID().replaceAll('-', ''), turn, at: new Date().toISOString() };
  let unkept = useOutbox.getState().unkept;
  try {
    localStorage.setItem(PREFIX + made.key, JSON.stringify(made));
  } catch {
    unkept = true;
  }
  useOutbox.setState({ waiting: [...waiting, made], unkept });
  void send();
}

/** Leave a review out that the server did not take. */
export function drop(key: string): void {
  localStorage.removeItem(PREFIX + key);
  useOutbox.setState(({ waiting }) => ({ waiting: waiting.filter((one) => one.key !== key) }));
}

/** Send the ones that the server did not take once more, of the row as it is now. */
export function retry(fresh: Map<string, string>): void {
  for (const [row, digest] of fresh) digests.set(row, digest);
  useOutbox.setState(({ waiting }) => ({ waiting: waiting.map((one) => ({ ...one, refused: undefined })) }));
  void send();
}

/** Send what waits, in order, from one tab at a time. */
export async function send(): Promise<void> {
  clearTimeout(timer);
  if (folder === null) return;
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) {
      again();
      return;
    }
    for (;;) {
      refresh();
      const next = useOutbox.getState().waiting.find((one) => one.refused === undefined);
      if (!next) break;
      if (!(await sendOne(next))) break;
    }
  });
}

async function sendOne(next: Waiting): Promise<boolean> {
  try {
    const answer = await rows.review({ ...next, digest: digests.get(place(next)) ?? next.digest });
    digests.set(place(next), answer.row.digest);
    pause = FIRST_PAUSE;
    useOutbox.setState({ lost: false });
    drop(next.key);
    for (const listener of listeners) listener(next, answer);
    return true;
  } catch (error) {
    // The server is away, or not well, or another folder's stands in its place: that passes. What it understood and
    // refused would be refused again.
    if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500 || error.status === 401 || error.code === 'other_folder') {
      useOutbox.setState({ lost: true });
      again();
      return false;
    }
    useOutbox.setState(({ waiting }) => ({
      waiting: waiting.map((one) => (one.key === next.key ? { ...one, refused: error.message } : one)),
    }));
    return true;
  }
}

const place = (one: Waiting): string => `${one.run}\n${one.id}`;

function again(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void send(), pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

/** What other tabs have added or sent since. */
function refresh(): void {
  const kept = stored();
  const { waiting, unkept } = useOutbox.getState();
  const known = new Map(waiting.map((one) => [one.key, one]));
  const merged = kept.map((one) => known.get(one.key) ?? one);
  if (unkept) merged.push(...waiting.filter((one) => !kept.some((other) => other.key === one.key)));
  merged.sort((a, b) => a.turn - b.turn);
  useOutbox.setState({ waiting: merged });
}

function stored(): Waiting[] {
  const found: Waiting[] = [];
  try {
    for (const key of Object.keys(localStorage)) {
      const one = key.startsWith(PREFIX) ? read(localStorage.getItem(key)) : null;
      if (one && (one.folder === undefined || one.folder === folder)) found.push(one);
    }
  } catch {
    // A browser that keeps nothing: what is made in this page is all there is.
  }
  return found.sort((a, b) => a.turn - b.turn);
}

function read(text: string | null): Waiting | null {
  try {
    const one: unknown = JSON.parse(text ?? 'null');
    return isWaiting(one) ? one : null;
  } catch {
    return null;
  }
}

function isWaiting(one: unknown): one is Waiting {
  return (
    typeof one === 'object' &&
    one !== null &&
    ['key', 'run', 'id', 'reviewer', 'digest', 'action'].every(
      (name) => typeof (one as Record<string, unknown>)[name] === 'string',
    )
  );
}

/** Send what an earlier visit to this folder left, and go on when the connection is back. */
export function start(root: string): () => void {
  folder = root;
  refresh();
  const back = () => {
    pause = FIRST_PAUSE;
    void send();
  };
  window.addEventListener('online', back);
  const changed = (event: StorageEvent) => {
    if (event.key?.startsWith(PREFIX)) refresh();
  };
  window.addEventListener('storage', changed);
  void send();
  return () => {
    window.removeEventListener('online', back);
    window.removeEventListener('storage', changed);
  };
}
