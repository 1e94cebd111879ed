import { Alert, Badge, Button, Progress, Text } from '@mantine/core';
import { IconTable } from '@tabler/icons-react';
import { Link } from 'wouter';
import { Empty } from '../parts/Empty';
import { policyLink } from '../parts/links';
import { many, whole } from '../parts/numbers';
import { Prose } from '../parts/Prose';
import { Verbatim } from '../parts/Verbatim';
import { useSession } from '../shell/Frame';
import classes from './RunList.module.css';
import type { Run } from './types';

interface RunListProps {
  runs: readonly Run[];
  /** A run that a link names and that is not in the folder. */
  missing: string | null;
  onOpen: (path: string) => void;
}

const STATES: Partial<Record<Run['state'], string>> = {
  unfinished: 'half written',
  other_version: 'of another version',
  broken: 'cannot be read',
};

/** What to do next where there are no rows: open a recipe of the folder and make them, or write one. */
function NoRows() {
  const recipe = useSession().data?.recipes[0];
  return recipe === undefined ? (
    <Empty icon={IconTable} title="No rows in this folder yet" action={<Button component={Link} href="/policy">Go to the policies</Button>}>
      Rows are made from a recipe: a YAML file with a name, a policy and its data. This folder has none yet; put one in, and the Policy room
      opens it with a button that makes its rows.
    </Empty>
  ) : (
    <Empty icon={IconTable} title="No rows in this folder yet" action={<Button component={Link} href={policyLink({ path: recipe })}>Open {recipe}</Button>}>
      Rows are made from a recipe: open one and choose “Make rows”. They stand here as soon as they are written.
    </Empty>
  );
}

/** The runs of the folder, with what is the matter where one cannot be opened. */
export function RunList({ runs, missing, onOpen }: RunListProps) {
  const some = runs.filter((run) => run.kind !== 'evaluation');
  return (
    <div className={classes.page}>
      <h1 className={classes.title}>Rows</h1>
      {missing ? (
        <Alert color="yellow" variant="light" title={`There is no run ${missing} in this folder`}>
          It may have been moved or taken out.{some.length > 0 ? ' Open one of these instead.' : ''}
        </Alert>
      ) : null}
      {some.length === 0 ? (
        <NoRows />
      ) : (
        <ul className={classes.runs}>
          {some.map((run) => {
            const closed = run.state !== 'complete';
            return (
              <li key={run.path} className={classes.run} data-closed={closed || undefined}>
                <div className={classes.names}>
                  <h2 className={classes.name}>
                    <Verbatim text={run.name} />
                  </h2>
                  <Text size="xs" c="dimmed" className={classes.path}>
                    <Verbatim text={[run.path, run.policy].filter(Boolean).join(' · ')} />
                  </Text>
                </div>
                {STATES[run.state] ? (
                  <Badge variant="default" className={classes.state}>
                    {STATES[run.state]}
                  </Badge>
                ) : null}
                {closed ? null : (
                  <div className={classes.reviewed}>
                    <Text size="sm">
                      {run.reviewed > 0 ? `${whole(run.reviewed)} of ${many(run.rows, 'row')} reviewed` : many(run.rows, 'row')}
                    </Text>
                    {run.reviewed > 0 ? <Progress size={4} value={(100 * run.reviewed) / Math.max(1, run.rows)} aria-label={`Reviewed of ${run.name}`} /> : null}
                  </div>
                )}
                {run.message ? (
                  <Text className={classes.message}>
                    <Prose text={run.message} />
                  </Text>
                ) : null}
                {closed ? null : (
                  <Button variant="default" className={classes.open} onClick={() => onOpen(run.path)} aria-label={`Open ${run.name}`}>
                    Open
                  </Button>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
