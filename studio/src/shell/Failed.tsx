import { Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Component, type ReactNode } from 'react';
import { Empty } from '../parts/Empty';
import { Prose } from '../parts/Prose';
import { sentenceOf } from './say';

/** Catches an error of the page itself, so that one room's mistake never takes the whole page away. */
export class Failed extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <Empty icon={IconAlertTriangle} title="This room stopped working" action={<Button onClick={() => window.location.reload()}>Load the page again</Button>}>
        <Prose text={sentenceOf(this.state.error)} /> Unsaved changes are kept in this browser.
      </Empty>
    );
  }
}
