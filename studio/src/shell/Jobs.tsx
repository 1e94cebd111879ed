import { ActionIcon, Button, Indicator, Popover, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { IconLoader2 } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from '../api/calls';
import type { Job } from '../api/types';

const WORDS: Record<Job['state'], string> = {
  running: 'is running',
  done: 'is done',
  stopped: 'was stopped',
  failed: 'did not work',
};

/** Long work, of any room: its progress, and a button to stop it. It runs on the server, so it outlives a reload. */
export function Jobs() {
  const queries = useQueryClient();
  const jobs = useQuery({
    queryKey: ['jobs'],
    queryFn: ({ signal }) => api.jobs(signal),
    refetchInterval: (query) => (query.state.data?.jobs.some((job) => job.state === 'running') ? 1000 : 15_000),
  });
  const stop = useMutation({
    mutationFn: api.stopJob,
    onSettled: () => queries.invalidateQueries({ queryKey: ['jobs'] }),
  });
  const all = jobs.data?.jobs ?? [];
  const running = all.filter((job) => job.state === 'running').length;
  if (all.length === 0) return null;
  const name = running > 0 ? `Work in progress: ${running}` : 'Work done';

  return (
    <Popover width={340} position="bottom-end" shadow="md" trapFocus>
      <Popover.Target>
        <Tooltip label={name}>
          <Indicator disabled={running === 0} processing size={8} offset={6}>
            <ActionIcon size="lg" aria-label={name}>
              <IconLoader2 size={18} stroke={1.7} aria-hidden />
            </ActionIcon>
          </Indicator>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="md">
          {all.map((job) => (
            <Stack key={job.id} gap={4}>
              <Text size="sm">
                <strong>{job.kind}</strong> {WORDS[job.state]}
                {job.total ? ` (${job.done ?? 0} of ${job.total})` : ''}
              </Text>
              {job.state === 'running' ? (
                <Progress value={job.total ? (100 * (job.done ?? 0)) / job.total : 100} animated={!job.total} aria-label={`Progress of ${job.kind}`} />
              ) : null}
              <Text size="xs" c="dimmed" lineClamp={2}>
                {job.line}
              </Text>
              {job.state === 'running' ? (
                <Button variant="default" onClick={() => stop.mutate(job.id)} loading={stop.isPending}>
                  Stop {job.kind}
                </Button>
              ) : null}
            </Stack>
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
