import { useQuery } from '@tanstack/react-query';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useEffect } from 'react';
import { Button } from '@mantine/core';
import { useConnection } from '../api/connection';
import { Empty } from '../parts/Empty';
import { Loading } from '../parts/Loading';
import { Prose } from '../parts/Prose';
import { useSession } from '../shell/Frame';
import { sentenceOf } from '../shell/say';
import { useRowsAddress } from './address';
import { rows } from './calls';
import { send, start } from './outbox';
import { RunList } from './RunList';
import { RunRows } from './RunRows';

/** The Rows room: the runs of the folder, and the rows of one of them to look at and to review. */
export default function RowsRoom() {
  const { run, go } = useRowsAddress();
  const runs = useQuery({ queryKey: ['runs'], queryFn: ({ signal }) => rows.runs(signal) });
  const up = useConnection((state) => state.state === 'up');
  const root = useSession().data?.root_uri;
  useEffect(() => (root === undefined ? undefined : start(root)), [root]);
  useEffect(() => {
    if (up) void send();
  }, [up]);

  if (runs.isPending) return <Loading what="the runs" />;
  // What is there stays while it cannot be asked for again: reviewing goes on.
  if (runs.data === undefined) {
    return (
      <Empty icon={IconAlertTriangle} title="The runs cannot be read" action={<Button onClick={() => void runs.refetch()}>Try again</Button>}>
        <Prose text={sentenceOf(runs.error)} />
      </Empty>
    );
  }
  // A run may be named by its own folder: its rows are those of the first arm that has some.
  const inside = runs.data.find((one) => one.kind === 'data' && one.path.startsWith(`${run}/`));
  const named = runs.data.find((one) => one.path === run);
  const opened = named?.kind === 'data' ? named : (inside ?? named);
  if (run && opened?.state === 'complete' && opened.kind !== 'evaluation') {
    return <RunRows key={opened.path} run={opened} runs={runs.data} />;
  }
  return <RunList runs={runs.data} missing={run !== null && !opened ? run : null} onOpen={(path) => go({ run: path })} />;
}
