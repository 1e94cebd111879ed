import { IconTable } from '@tabler/icons-react';
import { Empty } from '../parts/Empty';

export default function ResultsRoom() {
  return (
    <Empty icon={IconTable} title="Results">
      Open a run.
    </Empty>
  );
}
