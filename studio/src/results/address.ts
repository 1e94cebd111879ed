import { useMemo } from 'react';
import { type Go, useParts } from '../parts/useParts';
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
  go: Go<Part>;
}

/** What the room shows stands in its address, so that a link, "back" and a reload show the same. */
export function useResultsAddress(): ResultsAddress {
  const { text, go } = useParts<Part>();
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
  return { ...held, go };
}
