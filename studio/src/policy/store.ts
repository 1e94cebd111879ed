import { create } from 'zustand';
import type { Case, State } from '../api/types';

/** A place in a policy: a line of the file at `path`, counted from 1. */
export interface Place {
  path: string;
  line: number;
}

interface Room {
  /** The open file, or null where none is open. */
  path: string | null;
  /** The editor's text, and a number that grows with each change of it: a short key for what was asked about it. */
  text: string;
  version: number;
  /** The text as it was last read or saved, and the digest of the file then. */
  saved: { text: string; digest: string } | null;
  /** Another text of the file than the one that the changes in the editor began from. */
  conflict: { text: string; digest: string } | null;
  /** When the unsaved changes that were brought back were made; empty where that is not known, null where there are none. */
  restored: string | null;
  case: Case;
  /** The place that the pointer or the focus is on, and whether that is in the text or beside it: the other lights up. */
  lit: (Place & { from: 'text' | 'beside' }) | null;
  opened: (path: string, text: string, saved: { text: string; digest: string }) => void;
  changed: (text: string) => void;
  wasSaved: (text: string, digest: string) => void;
  setCase: (held: Case) => void;
  setFact: (name: string, state: State | null) => void;
  light: (place: (Place & { from: 'text' | 'beside' }) | null) => void;
}

export const useRoom = create<Room>((set, get) => ({
  path: null,
  text: '',
  version: 0,
  saved: null,
  conflict: null,
  restored: null,
  case: { facts: {} },
  lit: null,
  opened: (path, text, saved) => set({ path, text, saved, version: get().version + 1, lit: null, conflict: null, restored: null }),
  changed: (text) => {
    if (text !== get().text) set({ text, version: get().version + 1 });
  },
  wasSaved: (text, digest) => set({ saved: { text, digest } }),
  setCase: (held) => set({ case: held }),
  setFact: (name, state) => {
    const rest = Object.entries(get().case.facts).filter(([other]) => other !== name);
    set({ case: { facts: Object.fromEntries(state === null ? rest : [...rest, [name, state]]) } });
  },
  light: (place) => {
    const now = get().lit;
    if (now?.line !== place?.line || now?.path !== place?.path || now?.from !== place?.from) set({ lit: place });
  },
}));

/** Whether the text differs from the file. */
export const useUnsaved = () => useRoom((room) => room.saved !== null && room.text !== room.saved.text);

