import type { State, Value } from '../api/types';

/** What a case says of a fact, in words; a fact that is not in the case was looked at by nobody. */
export function stateSaid(state: State | null | undefined, labels?: ReadonlyMap<string, string>): string {
  if (!state) return 'nobody looked';
  if (state.state === 'cannot_be_told') return 'cannot be told';
  return valueSaid(state.value, labels);
}

/** A value of a fact in words. */
export function valueSaid(value: Value, labels?: ReadonlyMap<string, string>): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((one) => labels?.get(one) ?? one).join(', ');
  return labels?.get(value) ?? value;
}

export function sameState(a: State | null | undefined, b: State | null | undefined): boolean {
  if (!a || !b) return !a && !b;
  if (a.state !== 'known' || b.state !== 'known') return a.state === b.state;
  const left = Array.isArray(a.value) ? [...a.value].sort() : a.value;
  const right = Array.isArray(b.value) ? [...b.value].sort() : b.value;
  return JSON.stringify(left) === JSON.stringify(right);
}
