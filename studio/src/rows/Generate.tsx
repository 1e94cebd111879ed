import { Button, List, Modal, Progress, Stack, Text } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api } from '../api/calls';
import type { Job } from '../api/types';
import { many } from '../parts/numbers';
import { Prose } from '../parts/Prose';
import { shareOf, useJobs } from '../parts/useJobs';
import { rows } from './calls';
import classes from './Generate.module.css';
import type { Facets } from './types';

/** The latest job of this run that makes data, also after a reload: the server keeps it. */
function useRunJob(run: string) {
  const { jobs, stop } = useJobs();
  const of = jobs.filter((job) => job.kind === 'generate' && job.run === run);
  return { job: of.toSorted((a, b) => a.started.localeCompare(b.started)).at(-1) ?? null, stop };
}

/** The button that makes a data set from the reviews, with a word on what it does first. */
export function GenerateButton({ run, facets }: { run: string; facets: Facets | undefined }) {
  const [asked, setAsked] = useState(false);
  const queries = useQueryClient();
  const { job } = useRunJob(run);
  const begin = useMutation({
    mutationFn: () => api.startJob({ kind: 'generate', run }),
    onSuccess: () => setAsked(false),
    onSettled: () => queries.invalidateQueries({ queryKey: ['jobs'] }),
  });
  const { accepted = 0, rejected = 0, changed = 0 } = facets?.review ?? {};
  const any = accepted + rejected + changed > 0;
  return (
    <>
      <Button
        leftSection={<IconPlayerPlay size={14} aria-hidden />}
        variant={any ? 'filled' : 'default'}
        disabled={job?.state === 'running'}
        onClick={() => setAsked(true)}
      >
        Generate from these reviews
      </Button>
      <Modal opened={asked} onClose={() => setAsked(false)} title="Generate from these reviews">
        <Stack gap="md">
          {any ? (
            <>
              <Text size="sm">The rows are made again by the recipe of this run, beside it; this run stays as it is.</Text>
              <List size="sm" spacing={2}>
                {rejected > 0 ? <List.Item>{many(rejected, 'rejected row')} {rejected === 1 ? 'is' : 'are'} left out.</List.Item> : null}
                {changed > 0 ? <List.Item>{many(changed, 'changed row')} {changed === 1 ? 'is' : 'are'} decided and written by what was changed.</List.Item> : null}
                {accepted > 0 ? <List.Item>{many(accepted, 'accepted row')} {accepted === 1 ? 'stays' : 'stay'} as {accepted === 1 ? 'it is' : 'they are'}.</List.Item> : null}
              </List>
            </>
          ) : (
            <Text size="sm">No row of this run has been reviewed yet. Open a row, and press a to accept it or r to reject it.</Text>
          )}
          <Button data-autofocus disabled={!any} loading={begin.isPending} onClick={() => begin.mutate()}>
            Generate
          </Button>
        </Stack>
      </Modal>
    </>
  );
}

/** How far it is, with a button to stop it; and what came of it. */
export function GenerateProgress({ run }: { run: string }) {
  const { job, stop } = useRunJob(run);
  const runs = useQuery({ queryKey: ['runs'], queryFn: ({ signal }) => rows.runs(signal) });
  const made = runs.data?.find((one) => job?.out && (one.path === job.out || one.path.startsWith(`${job.out}/`)));
  const [closed, setClosed] = useState<string | null>(null);
  if (!job || closed === job.id) return null;
  const share = shareOf(job);
  return (
    <section className={classes.job} aria-label="Generating from these reviews">
      <Text size="sm" fw={500} role="status">
        {SAID[job.state]}
        {job.total && job.state === 'running' ? <span className={classes.count}> {job.done ?? 0} of {job.total}</span> : null}
      </Text>
      {job.state === 'running' ? (
        <Progress className={classes.bar} value={share ?? 100} animated={share === null} striped={share === null} aria-label="Progress" />
      ) : null}
      <Text size="xs" c="dimmed" className={classes.line}>
        {job.state === 'stopped' ? null : <Prose text={job.message ?? job.line} />}
      </Text>
      {job.state === 'running' ? (
        <Button variant="default" leftSection={<IconPlayerStop size={14} aria-hidden />} loading={stop.isPending} onClick={() => stop.mutate(job.id)}>
          Stop
        </Button>
      ) : (
        <>
          {job.state === 'done' && made ? (
            <Button component={Link} href={`/rows?${new URLSearchParams({ run: made.path }).toString()}`}>
              Open the new rows
            </Button>
          ) : null}
          <Button variant="subtle" color="gray" onClick={() => setClosed(job.id)}>
            Close
          </Button>
        </>
      )}
    </section>
  );
}

const SAID: Record<Job['state'], string> = {
  running: 'Generating from these reviews',
  done: 'Generated from these reviews',
  stopped: 'Stopped. What was done is kept, and generating again goes on from there.',
  failed: 'Generating did not work.',
};
