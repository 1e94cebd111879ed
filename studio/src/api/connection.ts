import { create } from 'zustand';

interface Connection {
  /** Whether the last request reached the server. */
  up: boolean;
  lost: () => void;
  found: () => void;
}

/** Whether the server answers; the banner at the top reads it, and every request sets it. */
export const useConnection = create<Connection>((set, get) => ({
  up: true,
  lost: () => set({ up: false }),
  found: () => {
    if (!get().up) set({ up: true });
  },
}));
