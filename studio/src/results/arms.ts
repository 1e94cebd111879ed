import type { Arm } from './types';

/** Tints of the arms in a chart, apart from each other for eyes that see no red or no green; they hold 3 to 1 in both schemes. */
const TINTS = ['var(--arm-0)', 'var(--arm-1)', 'var(--arm-2)', 'var(--arm-3)', 'var(--arm-4)', 'var(--arm-5)'];

/** The tint of each arm of a run, by name; arms that look at nothing are grey. */
export function tints(arms: readonly Arm[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const arm of arms) {
    if (found.has(arm.arm)) continue;
    found.set(arm.arm, arm.baseline ? 'var(--mantine-color-dimmed)' : (TINTS[found.size % TINTS.length] ?? 'var(--arm-0)'));
  }
  return found;
}

/** What stands for an arm among several runs. */
export const armName = (arm: Arm, runs: number): string => (runs > 1 ? `${arm.label}, ${runName(arm.run)}` : arm.label);

export const runName = (run: string): string => run.split('/').at(-1) ?? run;
