import { ActionIcon, Anchor, Button, Indicator, Popover, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconListDetails } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { Job } from '../api/types';
import { Prose } from '../parts/Prose';
import { shareOf, useJobs } from '../parts/useJobs';

const NAMES: Record<string, string> = { generate: 'Making rows', test: 'Testing', ask: 'Asking a model' };
const STATES: Record<Job['state'], string> = {
  running: 'is running',
  done: 'is done',
  stopped: 'was stopped; begun again, it goes on from there',
  failed: 'did not work',
};

/** Long work, of any room: its progress, and a button to stop it. It runs on the server, so it outlives a reload. */
export function Jobs() {
  const [opened, { close, toggle }] = useDisclosure(false);
  const { jobs, stop } = useJobs();
  const queries = useQueryClient();
  const running = jobs.filter((job) => job.state === 'running').length;
  const before = useRef(0);
  useEffect(() => {
    // What was made stands in the lists of files and of runs.
    if (running < before.current) for (const key of ['files', 'session', 'runs']) void queries.invalidateQueries({ queryKey: [key] });
    before.current = running;
  }, [running, queries]);
  if (jobs.length === 0) return null;
  const name = running > 0 ? `Work in progress: ${running}` : 'Work that is done';

  return (
    <Popover opened={opened} onChange={close} width={340} position="bottom-end" shadow="md" trapFocus>
      <Popover.Target>
        <Tooltip label={name} disabled={opened}>
          <Indicator disabled={running === 0} processing size={8} offset={6}>
            <ActionIcon size="lg" aria-label={name} onClick={toggle}>
              <IconListDetails size={18} stroke={1.7} aria-hidden />
            </ActionIcon>
          </Indicator>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label="Work" mah="70vh" style={{ overflow: 'auto' }}>
        <Stack gap="md">
          {jobs.map((job) => (
            <Piece key={job.id} job={job} onStop={() => stop.mutate(job.id)} stopping={stop.isPending} onOpen={close} />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function Piece({ job, onStop, stopping, onOpen }: { job: Job; onStop: () => void; stopping: boolean; onOpen: () => void }) {
  const name = NAMES[job.kind] ?? job.kind;
  const share = shareOf(job);
  const of = job.run ?? job.path;
  return (
    <Stack gap={4}>
      <Text size="sm">
        <strong>{name}</strong> {of ? `of ${of} ` : ''}
        {STATES[job.state]}
        {job.state === 'running' && job.total ? ` (${job.done ?? 0} of ${job.total})` : ''}
      </Text>
      {job.state === 'running' ? <Progress value={share ?? 100} animated={share === null} striped={share === null} aria-label={`Progress: ${name}`} /> : null}
      {job.state === 'stopped' ? null : (
        <Text size="xs" c="dimmed" lineClamp={4} style={{ overflowWrap: 'anywhere' }}>
          <Prose text={job.message ?? job.line} />
        </Text>
      )}
      {job.state === 'running' ? (
        <Button variant="default" onClick={onStop} loading={stopping}>
          Stop
        </Button>
      ) : null}
      {job.kind === 'generate' && job.state === 'done' && job.out ? (
        <Anchor component={Link} size="sm" href={`/rows?${new URLSearchParams({ run: job.out }).toString()}`} onClick={onOpen}>
          Open the rows
        </Anchor>
      ) : null}
    </Stack>
  );
}
