import { Badge, type BadgeProps } from '@mantine/core';
import type { Verdict } from '../api/types';

/** Verdicts from the laxest to the strictest. */
export const VERDICTS: readonly Verdict[] = ['comply', 'warn', 'clarify', 'redirect', 'refuse'];

export function VerdictBadge({ verdict, ...rest }: { verdict: Verdict } & Omit<BadgeProps, 'color' | 'children'>) {
  return (
    <Badge component="span" className="verdict" data-verdict={verdict} variant="default" radius="sm" size="sm" {...rest}>
      {verdict}
    </Badge>
  );
}
