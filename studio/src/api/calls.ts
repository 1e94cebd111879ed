import { get, post, put, remove, upload } from './client';
import type {
  Annotated,
  Case,
  Changes,
  Coverage,
  Decision,
  ExampleItem,
  Fact,
  Finding,
  FileText,
  FileTree,
  Job,
  Revision,
  RulesPicture,
  Session,
  Source,
} from './types';

/** The calls of the shell and of the Policy room. */
export const api = {
  session: (signal?: AbortSignal) => get<Session>('/session', undefined, signal),
  files: (signal?: AbortSignal) => get<FileTree>('/files', undefined, signal),
  file: (path: string, signal?: AbortSignal) => get<FileText>('/file', { path }, signal),
  save: (path: string, text: string, digest: string | null) => put<{ digest: string }>('/file', { path, text, digest }),

  newPolicy: (path: string, template: string) => post<FileText>('/policy/new', { path, template }),

  facts: (source: Source) => post<{ facts: Fact[] }>('/policy/facts', { source }),
  decide: (source: Source, held: Case, style?: string) =>
    post<Decision>('/policy/decide', { source, case: held, ...(style ? { style } : {}) }),
  examples: (source: Source) => post<{ items: ExampleItem[] }>('/policy/examples', { source }),
  /** The properties and laws, which are proved: that may take seconds, and a newer question ends an older one. */
  claims: (source: Source) => post<{ items: ExampleItem[] }>('/policy/claims', { source }),
  findings: (source: Source) => post<{ findings: Finding[] }>('/policy/findings', { source }),
  keep: (source: Source, held: Case, name?: string) =>
    post<{ text: string; line: number }>('/policy/keep', { source, case: held, ...(name ? { name } : {}) }),
  changes: (source: Source, against: string, run?: string) =>
    post<Changes>('/policy/changes', { source, against, ...(run ? { run } : {}) }),
  revisions: (path: string, signal?: AbortSignal) =>
    get<{ revisions: Revision[] }>('/policy/revisions', { path }, signal),
  coverage: (source: Source, run?: string) =>
    post<Coverage>('/policy/coverage', { source, ...(run ? { run } : {}) }),
  rules: (source: Source) => post<RulesPicture>('/policy/rules', { source }),
  annotate: (picture: Blob, recipe: string, path: string, request: string) => {
    const form = new FormData();
    form.set('picture', picture, 'picture');
    form.set('recipe', recipe);
    form.set('path', path);
    form.set('request', request);
    return upload<Annotated>('/policy/annotate', form);
  },

  /** Asked for by every page again and again: where there is no answer in time, the connection is taken for lost. */
  jobs: (signal: AbortSignal) => get<{ jobs: Job[] }>('/jobs', undefined, AbortSignal.any([signal, AbortSignal.timeout(20_000)])),
  startJob: (job: { kind: string } & Record<string, unknown>) => post<{ id: string }>('/jobs', job),
  stopJob: (id: string) => remove<unknown>(`/jobs/${encodeURIComponent(id)}`),
};
