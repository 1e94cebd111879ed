import { ActionIcon, Button, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconChartDots, IconMoon, IconPlugConnectedX, IconScale, IconSun, IconTable } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Link, useLocation } from 'wouter';
import { api } from '../api/calls';
import { useConnection } from '../api/connection';
import classes from './Frame.module.css';
import { Jobs } from './Jobs';

const ROOMS = [
  { to: '/policy', name: 'Policy', icon: IconScale },
  { to: '/rows', name: 'Rows', icon: IconTable },
  { to: '/results', name: 'Results', icon: IconChartDots },
] as const;

/** What the server serves: the folder's name, its policies, recipes and runs. */
export const useSession = () =>
  useQuery({ queryKey: ['session'], queryFn: ({ signal }) => api.session(signal), staleTime: 30_000 });

export function Frame({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const session = useSession();
  const room = ROOMS.find(({ to }) => location === to || location.startsWith(`${to}/`));

  useEffect(() => {
    document.title = [room?.name, session.data?.folder, 'SafeCoT studio'].filter(Boolean).join(' · ');
  }, [room?.name, session.data?.folder]);

  return (
    <div className={classes.frame}>
      <a className="skip" href="#main">
        Skip to the room
      </a>
      <header className={classes.bar}>
        <span className={classes.brand}>
          <img src="/mark.svg" alt="" width={22} height={22} />
          <span className={classes.word}>SafeCoT studio</span>
          {session.data ? <span className={classes.folder}>{session.data.folder}</span> : null}
        </span>
        <nav className={classes.rooms} aria-label="Rooms">
          {ROOMS.map(({ to, name, icon: Icon }) => (
            <Link key={to} href={to} className={classes.room} aria-current={room?.to === to ? 'page' : undefined}>
              <Icon size={16} stroke={1.7} aria-hidden />
              {name}
            </Link>
          ))}
        </nav>
        <div className={classes.end}>
          <Jobs />
          <SchemeSwitch />
        </div>
      </header>
      <LostConnection />
      <main id="main" className={classes.main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  const Icon = scheme === 'dark' ? IconSun : IconMoon;
  return (
    <Tooltip label={`Use ${other} colours`}>
      <ActionIcon size="lg" aria-label={`Use ${other} colours`} onClick={() => setColorScheme(other)}>
        <Icon size={18} stroke={1.7} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

/** Stands at the top while the server does not answer, tries again by itself, and loads anew what the page shows. */
function LostConnection() {
  const state = useConnection((connection) => connection.state);
  const up = state === 'up';
  const queries = useQueryClient();

  useEffect(() => {
    if (up) return undefined;
    const again = () => {
      void api.session().then(() => queries.invalidateQueries(), () => undefined);
    };
    const timer = setInterval(again, 2000);
    return () => clearInterval(timer);
  }, [up, queries]);

  if (up) return <div />;
  if (state === 'other') {
    return (
      <div className={classes.lost} role="alert">
        <IconPlugConnectedX size={18} stroke={1.7} aria-hidden />
        <span>
          <strong>The studio of another folder answers here now.</strong> Start this folder’s again, and the page goes on; or open the
          link of the other. What you changed here is kept in this browser, and nothing of it was written there.
        </span>
      </div>
    );
  }
  if (state === 'strange') {
    return (
      <div className={classes.lost} role="alert">
        <IconPlugConnectedX size={18} stroke={1.7} aria-hidden />
        <span>
          <strong>The studio was started anew.</strong> Open the link that it printed in its terminal; what you changed
          here is kept in this browser.
        </span>
      </div>
    );
  }
  return (
    <div className={classes.lost} role="alert">
      <IconPlugConnectedX size={18} stroke={1.7} aria-hidden />
      <span>
        <strong>The studio does not answer.</strong> Start <code>safecotc studio</code> again if it was stopped; what you
        changed here is kept in this browser.
      </span>
      <Button variant="default" onClick={() => void api.session().then(() => queries.invalidateQueries(), () => undefined)}>
        Try now
      </Button>
    </div>
  );
}
