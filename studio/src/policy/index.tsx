import { IconFileText } from '@tabler/icons-react';
import { Empty } from '../parts/Empty';

export default function PolicyRoom() {
  return (
    <Empty icon={IconFileText} title="Policy">
      Choose a policy from the list of files.
    </Empty>
  );
}
