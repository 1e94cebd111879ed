import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { FILTERS, type Filters } from './types';

export interface RowsAddress {
  run: string | null;
  /** The row that is open. */
  id: string | null;
  filters: Filters;
  /** Whether anything is left out of the list: the order and the search leave nothing out by themselves. */
  filtered: boolean;
  /** Change parts of the address; null takes a part out. */
  go: (to: Partial<Record<'run' | 'id' | keyof Filters, string | null>>, how?: { replace?: boolean }) => void;
}

/** What the room shows stands in its address, so that a link, "back" and a reload show the same. */
export function useRowsAddress(): RowsAddress {
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
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
  const go = useCallback<RowsAddress['go']>(
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
