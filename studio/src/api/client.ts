import { useConnection } from './connection';

/** What went wrong with a request: a sentence for a person, a code for the page, and what the server sent beside them. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly path: string | null;
  /** The whole body of the answer: a policy that does not compile brings `findings`, a changed file `digest` and `text`. */
  readonly body: Record<string, unknown>;

  constructor(status: number, code: string, message: string, path: string | null, body: Record<string, unknown>) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.path = path;
    this.body = body;
  }
}

const BASE = '/api/v1';

/** This page among those that are open: a newer question of it ends an older one, and none of another page's. */
const PAGE = crypto.randomUUID();

/**
 * The folder that this page was opened on, as the server wrote it into the page. Every request names it: where another
 * folder's studio was started in the place of this one's, that one refuses, and nothing of this page lands there.
 */
const FOLDER = document.querySelector<HTMLMetaElement>('meta[name="studio-folder"]')?.content ?? '';

/** The development server writes no folder into the page, and no page then names one. */
const NAMED = FOLDER.startsWith('file:');

/** What every request says of the page. */
const SAID: Record<string, string> = { 'X-Studio-Page': PAGE, ...(NAMED ? { 'X-Studio-Folder': FOLDER } : {}) };

type Query = Record<string, string | number | boolean | null | undefined>;

/** An address of the API, with the query's empty values left out. */
function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  }
  const tail = search.toString();
  return `${BASE}${path}${tail && '?'}${tail}`;
}

/** As `address`, for what the browser itself asks for, which takes no header: a picture, a WebSocket. It names the folder. */
export const addressHere = (path: string, query: Query = {}): string => address(path, { ...query, folder: NAMED ? FOLDER : null });

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function failure(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => null);
  const whole = isRecord(body) ? body : {};
  const error = isRecord(whole.error) ? whole.error : {};
  const code = typeof error.code === 'string' ? error.code : 'unexpected';
  const message =
    typeof error.message === 'string' ? error.message : `The studio's server answered with status ${answer.status}.`;
  return new ApiError(answer.status, code, message, typeof error.path === 'string' ? error.path : null, whole);
}

/** What a server says that is not this page's own. */
const STRANGE: Partial<Record<string, 'strange' | 'other'>> = { no_session: 'strange', other_folder: 'other' };

/** Every request of the page goes through here: one place for cookies, lost connections and errors. */
async function send<T>(method: string, url: string, body?: BodyInit, type?: string, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    const headers = { ...SAID, ...(type ? { 'Content-Type': type } : {}) };
    answer = await fetch(url, { method, headers, body: body ?? null, signal: signal ?? null, credentials: 'same-origin' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    useConnection.getState().set('lost');
    throw new ApiError(0, 'no_connection', 'The studio does not answer. Is it still running in its terminal?', null, {});
  }
  if (!answer.ok) {
    const error = await failure(answer);
    useConnection.getState().set(STRANGE[error.code] ?? 'up');
    throw error;
  }
  useConnection.getState().set('up');
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  send<T>('GET', address(path, query), undefined, undefined, signal);

export const post = <T>(path: string, body: unknown, signal?: AbortSignal) =>
  send<T>('POST', address(path), JSON.stringify(body), 'application/json', signal);

export const put = <T>(path: string, body: unknown) =>
  send<T>('PUT', address(path), JSON.stringify(body), 'application/json');

export const remove = <T>(path: string) => send<T>('DELETE', address(path));

export const upload = <T>(path: string, form: FormData) => send<T>('POST', address(path), form);
