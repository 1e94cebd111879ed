import { notifications } from '@mantine/notifications';
import { Prose } from '../parts/Prose';

/** The sentence of an error, for a person. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong in the page.';
}

const closeButtonProps = { 'aria-label': 'Close this notice' };

/** Short notices in the corner of the page; screen readers read them out. */
export const say = {
  done: (message: string) => notifications.show({ message: <Prose text={message} />, color: 'teal', autoClose: 3000, closeButtonProps }),
  note: (message: string) => notifications.show({ message: <Prose text={message} />, color: 'blue', autoClose: 6000, closeButtonProps }),
  wrong: (error: unknown) =>
    notifications.show({ title: 'That did not work', message: <Prose text={sentenceOf(error)} />, color: 'red', autoClose: 8000, closeButtonProps }),
};
