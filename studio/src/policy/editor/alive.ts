/**
 * What asks the server for a sign of life, and what it answers: the same text. It does not reach the language server,
 * which may be busy for longer than a connection may be silent.
 */
const SIGN = '{"jsonrpc":"2.0","method":"studio/alive"}';
/** Milliseconds between two looks at the clock: where more than three of them passed, the machine slept. */
const LOOK = 5_000;
/** Milliseconds of silence after which a page that is looked at asks. */
const QUIET = 20_000;
/** Milliseconds within which there has to be an answer, or a connection. */
const PATIENCE = 6_000;
/** What may have come after a sleep, or with another network. */
const AFTER = ['online', 'pageshow', 'focus'] as const;

export interface Watched {
  /** Takes note of what the server sent; whether it was a sign of life, and nothing else. */
  heard: (message: string) => boolean;
  stop: () => void;
}

/**
 * Calls `lost` where a connection is dead though the browser has not noticed: after a sleep, or where a network was
 * dropped, no `close` comes for minutes.
 */
export function watch(socket: WebSocket, lost: () => void): Watched {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let last = Date.now();
  let looked = last;

  const wait = () => {
    waiting ??= setTimeout(lost, PATIENCE);
  };
  const ask = () => {
    if (document.visibilityState !== 'visible' || waiting !== undefined) return;
    if (socket.readyState === WebSocket.OPEN) socket.send(SIGN);
    wait();
  };
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - looked > 3 * LOOK || now - last > QUIET) ask();
    looked = now;
  }, LOOK);
  for (const event of AFTER) window.addEventListener(event, ask);
  document.addEventListener('visibilitychange', ask);
  wait();

  return {
    heard(message) {
      clearTimeout(waiting);
      waiting = undefined;
      last = Date.now();
      return message === SIGN;
    },
    stop() {
      clearTimeout(waiting);
      clearInterval(timer);
      for (const event of AFTER) window.removeEventListener(event, ask);
      document.removeEventListener('visibilitychange', ask);
    },
  };
}
