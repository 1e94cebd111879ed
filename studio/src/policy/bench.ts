import { createContext, useContext } from 'react';
import type { Case, Fix, Where } from '../api/types';

/** What the panes of the room can do with one another. */
export interface Bench {
  path: string;
  /** Goes to a line, in this file or in another of the folder. */
  goTo: (place: { path?: string | null; line: number | null }) => void;
  /** Opens a case in the form. */
  openCase: (held: Case, named: string) => void;
  /** Writes a fix into the text. */
  mend: (fix: Fix) => void;
  /** Writes a whole text into the editor, as a change that can be undone. */
  write: (text: string, line?: number) => void;
  /** Lights up the place of a sentence, rule or fact; null puts it out. */
  point: (where: Pick<Where, 'line'> & { path?: string | null } | null) => void;
}

export const BenchContext = createContext<Bench | null>(null);

export function useBench(): Bench {
  const bench = useContext(BenchContext);
  if (!bench) throw new Error('A pane of the Policy room stands outside of it.');
  return bench;
}
