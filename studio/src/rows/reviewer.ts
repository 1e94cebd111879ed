import { create } from 'zustand';

const KEY = 'safecot.reviewer';
const KEYS_OFF = 'safecot.keys.off';

function kept(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it is asked for again after a reload.
  }
}

interface Reviewer {
  /** Empty until somebody has said who reviews. */
  name: string;
  /** Whether single letters act. Who dictates to the computer, or types by a switch, turns them off. */
  letters: boolean;
  setName: (name: string) => void;
  setLetters: (on: boolean) => void;
}

/** Who reviews in this browser; asked once. */
export const useReviewer = create<Reviewer>((set) => ({
  name: kept(KEY),
  letters: kept(KEYS_OFF) === '',
  setName: (name) => {
    keep(KEY, name);
    set({ name });
  },
  setLetters: (letters) => {
    keep(KEYS_OFF, letters ? '' : 'off');
    set({ letters });
  },
}));
