import { Text } from '@mantine/core';
import { Prose } from '../../parts/Prose';
import { sentenceOf } from '../../shell/say';
import { findingsOf } from '../live';

/** Why there is no new answer: the policy does not compile, or the server said what is wrong. */
export function NotNow({ error }: { error: Error | null }) {
  return (
    <Text size="sm" c="var(--warn)" px={12} py={8} role="status">
      {findingsOf(error) ? 'The policy does not compile; the decision says what to mend first.' : <Prose text={sentenceOf(error)} />}
    </Text>
  );
}
