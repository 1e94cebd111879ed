import { Select } from '@mantine/core';

interface RunSelectProps {
  /** What the rows of the run are wanted for. */
  label: string;
  runs: readonly string[];
  run: string | null;
  setRun: (run: string | null) => void;
}

/** Chooses the run whose rows count, for all that is said of the open policy. */
export function RunSelect({ label, runs, run, setRun }: RunSelectProps) {
  return (
    <Select
      w={260}
      maw="100%"
      aria-label={label}
      placeholder={runs.length > 0 ? 'and the rows of a run' : 'no run in this folder yet'}
      disabled={runs.length === 0}
      clearable
      searchable={runs.length > 8}
      value={run}
      onChange={setRun}
      comboboxProps={{ shadow: 'md', width: 340, position: 'bottom-start' }}
      data={[...runs]}
    />
  );
}
