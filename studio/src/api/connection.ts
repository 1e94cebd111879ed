import { create } from 'zustand';

interface Connection {
  /** `lost`: the last request did not reach the server; `strange`: a server answers that never saw this page's link. */
  state: 'up' | 'lost' | 'strange';
  set: (state: 'up' | 'lost' | 'strange') => void;
}

/** Whether the server answers; the banner at the top reads it, and every request sets it. */
export const useConnection = create<Connection>((set, get) => ({
  state: 'up',
  set: (state) => {
    if (get().state !== state) set({ state });
  },
}));
