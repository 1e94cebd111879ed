import { EmptyState } from '@mantine/core';
import type { IconProps } from '@tabler/icons-react';
import type { ComponentType, ReactNode } from 'react';

interface EmptyProps {
  icon: ComponentType<IconProps>;
  title: string;
  /** What to do next, in a sentence. */
  children: ReactNode;
  /** The button that does it. */
  action?: ReactNode;
}

/** What a list shows where there is nothing in it: why, and what to do next. */
export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <EmptyState size="sm" variant="light" color="gray" py="xl" px="md" icon={<Icon size={22} stroke={1.6} aria-hidden />} title={title} description={children}>
      {action ? <EmptyState.Actions>{action}</EmptyState.Actions> : null}
    </EmptyState>
  );
}
