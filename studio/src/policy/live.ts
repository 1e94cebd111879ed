import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../api/client';
import type { Finding } from '../api/types';

const tails = new Map<string, Promise<unknown>>();

/**
 * Sends one question of a name at a time: what was asked while the server worked on another waits, and what nobody wants
 * any more by then is not sent at all. So a slow answer never piles up work behind a fast typist.
 */
async function inTurn<T>(name: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const before = tails.get(name);
  const run = (async () => {
    await before?.catch(() => undefined);
    signal.throwIfAborted();
    return call();
  })();
  tails.set(name, run);
  return run;
}

export interface Live<T> {
  /** The newest answer; while a newer one is on its way, or the policy does not compile, the last that came. */
  data: T | undefined;
  /** Whether `data` answers an older text or case. */
  old: boolean;
  error: Error | null;
  busy: boolean;
}

/** An answer that follows the text and the case: asked for anew with every change of `key`. */
export function useLive<T>(name: string, key: readonly unknown[], call: () => Promise<T>, enabled = true): Live<T> {
  const [last, setLast] = useState<T>();
  const query = useQuery({
    queryKey: ['live', name, ...key],
    queryFn: ({ signal }) => inTurn(name, signal, call),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 30_000,
    enabled,
  });
  const fresh = query.isPlaceholderData ? undefined : query.data;
  if (fresh !== undefined && fresh !== last) setLast(fresh);
  // A newer question ended this one: its answer is on the way.
  const ended = query.error instanceof ApiError && query.error.code === 'superseded';
  return { data: fresh ?? last, old: fresh === undefined, error: ended ? null : query.error, busy: query.isFetching };
}

/** What the compiler found, where that is why there is no answer. */
export function findingsOf(error: Error | null): Finding[] | null {
  if (!(error instanceof ApiError) || error.code !== 'does_not_compile') return null;
  return Array.isArray(error.body.findings) ? (error.body.findings as Finding[]) : [];
}
