import type { Case } from '../api/types';

function toBase64Url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function fromBase64Url(text: string): string {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
}

/** A case as it stands in a link. */
export const caseToLink = (held: Case): string => toBase64Url(JSON.stringify(held));

/** The case of a link, or null where it holds none: a link is typed by anybody, so its shape is checked. */
export function caseFromLink(text: string | null): Case | null {
  if (!text) return null;
  try {
    const sent: unknown = JSON.parse(fromBase64Url(text));
    if (!isRecord(sent) || !isRecord(sent.facts)) return null;
    const held: Case = { facts: {} };
    for (const [name, state] of Object.entries(sent.facts)) {
      if (!isRecord(state)) return null;
      if (state.state === 'cannot_be_told') held.facts[name] = { state: 'cannot_be_told' };
      else if (state.state === 'known' && isValue(state.value)) {
        held.facts[name] = { state: 'known', value: state.value };
      } else return null;
    }
    return held;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is boolean | number | string | string[] {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return ['boolean', 'number', 'string'].includes(typeof value);
}

/** The address of a policy's line in the Policy room, with a case opened beside it where one is given. */
export function policyLink(to: { path: string; line?: number | null; case?: Case | null }): string {
  const search = new URLSearchParams({ path: to.path });
  if (to.line) search.set('line', String(to.line));
  if (to.case) search.set('case', caseToLink(to.case));
  return `/policy?${search.toString()}`;
}
