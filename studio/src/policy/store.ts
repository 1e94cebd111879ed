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
  case: Case;
  /** The place that the pointer or the focus is on, and whether that is in the text or beside it: the other lights up. */
  lit: (Place & { from: 'text' | 'beside' }) | null;
  opened: (path: string, text: string, saved: { text: string; digest: string }) => void;
  closed: () => void;
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
  case: { facts: {} },
  lit: null,
  opened: (path, text, saved) => set({ path, text, saved, version: get().version + 1, lit: null }),
  closed: () => set({ path: null, text: '', saved: null, version: get().version + 1, lit: null }),
  changed: (text) => {
    if (text !== get().text) set({ text, version: get().version + 1 });
  },
  wasSaved: (text, digest) => set({ saved: { text, digest } }),
  setCase: (held) => set({ case: held }),
  setFact: (name, state) => {
    const { [name]: _old, ...facts } = get().case.facts;
    set({ case: { facts: state === null ? facts : { ...facts, [name]: state } } });
  },
  light: (place) => {
    const now = get().lit;
    if (now?.line !== place?.line || now?.path !== place?.path || now?.from !== place?.from) set({ lit: place });
  },
}));

/** Whether the text differs from the file. */
export const useUnsaved = () => useRoom((room) => room.saved !== null && room.text !== room.saved.text);

