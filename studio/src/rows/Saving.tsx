import { Button, Text } from '@mantine/core';
import { IconAlertTriangle, IconCloudOff } from '@tabler/icons-react';
import { many } from '../parts/numbers';
import { Prose } from '../parts/Prose';
import { drop, retry, send, useOutbox } from './outbox';
import classes from './Saving.module.css';

interface SavingProps {
  /** Reads a row anew, and gives its digest: a review that was not taken is then sent of the row as it is now. */
  freshDigest: (run: string, id: string) => Promise<string>;
}

/** What has not been saved, and what becomes of it. Nothing stands here while all is well. */
export function Saving({ freshDigest }: SavingProps) {
  const { waiting, lost, unkept } = useOutbox();
  const refused = waiting.filter((one) => one.refused !== undefined);
  const going = waiting.length - refused.length;
  return (
    <>
      {lost && going > 0 ? (
        <div className={classes.notice} role="status">
          <IconCloudOff size={18} stroke={1.7} aria-hidden />
          <Text size="sm" className={classes.words}>
            {many(going, 'review')} {going === 1 ? 'waits' : 'wait'} for the studio.{' '}
            {unkept
              ? 'This browser keeps nothing: leave this page open until they are saved.'
              : 'Kept in this browser, and sent by itself as soon as the studio answers; go on reviewing.'}
          </Text>
          <Button variant="default" onClick={() => void send()}>
            Send now
          </Button>
        </div>
      ) : null}
      {refused.map((one) => (
        <div key={one.key} className={classes.notice} role="alert">
          <IconAlertTriangle size={18} stroke={1.7} aria-hidden />
          <Text size="sm" className={classes.words}>
            A review of row {one.id.slice(0, 8)} was not saved. <Prose text={one.refused ?? ''} />
          </Text>
          <Button
            variant="default"
            onClick={() => {
              void freshDigest(one.run, one.id).then((digest) => retry(new Map([[`${one.run}\n${one.id}`, digest]])), () => undefined);
            }}
          >
            Save it for the row as it is now
          </Button>
          <Button variant="subtle" color="gray" onClick={() => drop(one.key)}>
            Leave it out
          </Button>
        </div>
      ))}
    </>
  );
}
