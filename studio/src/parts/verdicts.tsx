import { Badge, type BadgeProps } from '@mantine/core';
import type { Verdict } from '../api/types';

/** Verdicts from the laxest to the strictest. */
export const VERDICTS: readonly Verdict[] = ['comply', 'warn', 'clarify', 'redirect', 'refuse'];

/** The theme's colour of each verdict; the name always stands beside it, so colour is never the only sign. */
export const VERDICT_COLOR: Record<Verdict, string> = {
  comply: 'teal',
  warn: 'yellow',
  clarify: 'blue',
  redirect: 'grape',
  refuse: 'red',
};

/** What each verdict means, for tooltips and legends. */
export const VERDICT_MEANS: Record<Verdict, string> = {
  comply: 'Answer the request.',
  warn: 'Answer, and point out the risk.',
  clarify: 'Ask first.',
  redirect: 'Help with the safe part only.',
  refuse: 'Do not help with it.',
};

export function VerdictBadge({ verdict, ...rest }: { verdict: Verdict } & Omit<BadgeProps, 'color' | 'children'>) {
  return (
    <Badge component="span" className="verdict" data-verdict={verdict} variant="default" radius="sm" size="sm" {...rest}>
      {verdict}
    </Badge>
  );
}
