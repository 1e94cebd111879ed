import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from '../api/calls';
import type { Job } from '../api/types';

/** All long work of the folder, the newest first, and how to stop a piece; looked at each second while any runs. */
export function useJobs() {
  const queries = useQueryClient();
  const jobs = useQuery({
    queryKey: ['jobs'],
    queryFn: ({ signal }) => api.jobs(signal),
    refetchInterval: (query) => (query.state.data?.jobs.some((job) => job.state === 'running') ? 1000 : 15_000),
  });
  const stop = useMutation({ mutationFn: api.stopJob, onSettled: () => queries.invalidateQueries({ queryKey: ['jobs'] }) });
  return { jobs: jobs.data?.jobs ?? NONE, stop };
}

const NONE: Job[] = [];

/** How far work is, in per cent; null where it does not count. */
export const shareOf = ({ done, total }: Job): number | null => (total ? (100 * (done ?? 0)) / total : null);
