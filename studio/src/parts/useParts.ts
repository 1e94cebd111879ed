import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/** Change parts of the address; null takes a part out. */
export type Go<Part extends string> = (to: Partial<Record<Part, string | null>>, how?: { replace?: boolean }) => void;

/** The parts of the address after its `?`, as text, and how to change them. */
export function useParts<Part extends string>(): { text: string; go: Go<Part> } {
  const [search, setSearch] = useSearchParams();
  const go = useCallback<Go<Part>>(
    (to, how) => {
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries<string | null | undefined>(to)) {
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
  return { text: search.toString(), go };
}
