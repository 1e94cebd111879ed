import { useMemo } from 'react';
import { type Go, useParts } from '../parts/useParts';
import { FILTERS, type Filters } from './types';

type Part = 'run' | 'id' | keyof Filters;

export interface RowsAddress {
  run: string | null;
  /** The row that is open. */
  id: string | null;
  filters: Filters;
  /** Whether anything is left out of the list: the order and the search leave nothing out by themselves. */
  filtered: boolean;
  go: Go<Part>;
}

/** What the room shows stands in its address, so that a link, "back" and a reload show the same. */
export function useRowsAddress(): RowsAddress {
  const { text, go } = useParts<Part>();
  const held = useMemo(() => {
    const params = new URLSearchParams(text);
    const filters: Filters = {};
    for (const name of FILTERS) {
      const value = params.get(name);
      if (value) filters[name] = value;
    }
    const filtered = Object.keys(filters).some((name) => name !== 'order');
    return { run: params.get('run'), id: params.get('id'), filters, filtered };
  }, [text]);
  return { ...held, go };
}
