import { IconTable } from '@tabler/icons-react';
import { Empty } from '../parts/Empty';

export default function RowsRoom() {
  return (
    <Empty icon={IconTable} title="Rows">
      Open a run.
    </Empty>
  );
}
