import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { MutationCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { ApiError } from '../api/client';
import { Loading } from '../parts/Loading';
import { Failed } from './Failed';
import { fetched } from './fetched';
import { Frame } from './Frame';
import { nonce } from './nonce';
import { say } from './say';
import { theme, variables } from './theme';

const PolicyRoom = fetched(() => import('../policy'));
const RowsRoom = fetched(() => import('../rows'));
const ResultsRoom = fetched(() => import('../results'));

const queries = new QueryClient({
  defaultOptions: {
    // The server is on this machine: a browser that is offline reaches it.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      // A lost connection is tried again; what the server refused is not, since it would refuse it again.
      retry: (count, error) => error instanceof ApiError && error.status === 0 && count < 3,
      refetchOnWindowFocus: false,
      staleTime: 5_000,
    },
  },
  mutationCache: new MutationCache({
    onError: (error, _variables, _context, mutation) => {
      if (mutation.meta?.silent !== true) say.wrong(error);
    },
  }),
});

export function Studio() {
  const [location] = useLocation();
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <Notifications position="bottom-right" limit={4} />
      <QueryClientProvider client={queries}>
        <Frame>
          {/* Another room may work where one did not. */}
          <Failed key={location.split('/')[1]}>
            <Suspense fallback={<Loading what="this room" />}>
              <Switch>
                <Route path="/policy" component={PolicyRoom} />
                <Route path="/rows/*?" component={RowsRoom} />
                <Route path="/results/*?" component={ResultsRoom} />
                <Route>
                  <Redirect to="/policy" replace />
                </Route>
              </Switch>
            </Suspense>
          </Failed>
        </Frame>
      </QueryClientProvider>
    </MantineProvider>
  );
}
