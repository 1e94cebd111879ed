import { create } from 'zustand';

interface Connection {
  /**
   * `lost`: the last request did not reach the server; `strange`: a server answers that never saw this page's link;
   * `other`: one that serves another folder.
   */
  state: 'up' | 'lost' | 'strange' | 'other';
  set: (state: Connection['state']) => void;
}

/** Whether the server answers; the banner at the top reads it, and every request sets it. */
export const useConnection = create<Connection>((set, get) => ({
  state: 'up',
  set: (state) => {
    if (get().state !== state) set({ state });
  },
}));
