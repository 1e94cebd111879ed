import { type ComponentType, lazy, type LazyExoticComponent } from 'react';
import { api } from '../api/calls';
import { ApiError } from '../api/client';
import { useConnection } from '../api/connection';

/**
 * A part of the page that is fetched when it is first shown. Where the studio does not answer, the page is loaded anew as
 * soon as it does: of a part that was fetched in half, the styles are not asked for again. Where it answers and has no such
 * part, as another version has not, that is an error.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as `lazy` itself has it
export function fetched<T extends ComponentType<any>>(load: () => Promise<{ default: T }>): LazyExoticComponent<T> {
  return lazy(async () => {
    try {
      return await load();
    } catch (error) {
      const answers = await api.session().then(
        () => true,
        (why: unknown) => why instanceof ApiError && why.status !== 0,
      );
      if (answers) throw error;
      return whenBack();
    }
  });
}

/** Loads the page anew when the studio answers again, which the bar at the top of the page asks for. */
function whenBack(): Promise<never> {
  return new Promise(() => {
    useConnection.subscribe(({ state }) => {
      if (state === 'up') window.location.reload();
    });
  });
}
