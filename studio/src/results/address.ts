import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { WHICH, type Which } from './types';

type Part = 'run' | 'suite' | 'which' | 'rule' | 'arm' | 'q' | 'case';

export interface ResultsAddress {
  run: string | null;
  suite: string;
  which: Which;
  rule: string | null;
  arm: string | null;
  q: string | null;
  /** The case that is open. */
  id: string | null;
  go: (to: Partial<Record<Part, string | null>>, how?: { replace?: boolean }) => void;
}

/** What the room shows stands in its address, so that a link, "back" and a reload show the same. */
export function useResultsAddress(): ResultsAddress {
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
  const held = useMemo(() => {
    const params = new URLSearchParams(text);
    const which = WHICH.find((one) => one === params.get('which')) ?? 'all';
    return {
      run: params.get('run'),
      suite: params.get('suite') ?? '',
      which,
      rule: params.get('rule'),
      arm: params.get('arm'),
      q: params.get('q'),
      id: params.get('case'),
    };
  }, [text]);
  const go = useCallback<ResultsAddress['go']>(
    (to, how) => {
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(to)) {
            if (value) next.set(name, value);
            else next.delete(name);
          }
          return next;
        },
        { replace: how?.replace ?? false },
      );
    },
    [setSearch],
  );
  return { ...held, go };
}
