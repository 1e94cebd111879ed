import { IconFileOff, IconPlugConnectedX } from '@tabler/icons-react';
import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { Session } from '../api/types';
import { Empty } from '../parts/Empty';
import { caseFromLink, policyLink } from '../parts/links';
import { Loading } from '../parts/Loading';
import { Prose } from '../parts/Prose';
import { useSession } from '../shell/Frame';
import { say, sentenceOf } from '../shell/say';
import { languageClient, useLanguageUp } from './editor/client';
import { goToLine, whenOpen } from './editor/handle';
import { FileTree } from './FileTree';
import { useRoom } from './store';
import { WithoutFile } from './WithoutFile';
import { Workbench } from './Workbench';

/** The policy to open where the link names none: the one nearest to the folder's top. */
function firstOf({ policies }: Session): string | null {
  const depth = (path: string) => path.split('/').length;
  return [...policies].sort((one, other) => depth(one) - depth(other) || one.localeCompare(other))[0] ?? null;
}

export default function PolicyRoom() {
  const session = useSession();
  if (session.error && !session.data) {
    return (
      <Empty icon={IconPlugConnectedX} title="The studio does not answer" action={<Button onClick={() => void session.refetch()}>Try again</Button>}>
        <Prose text={sentenceOf(session.error)} />
      </Empty>
    );
  }
  return session.data ? <Opened session={session.data} /> : <Loading what="the folder" />;
}

function Opened({ session }: { session: Session }) {
  const [, navigate] = useLocation();
  const search = useSearch();
  const path = new URLSearchParams(search).get('path');
  const up = useLanguageUp((language) => language.up);
  useLink(search);

  useEffect(() => {
    if (path !== null) return;
    const { path: before, case: held } = useRoom.getState();
    const first = before ?? firstOf(session);
    if (first !== null) navigate(policyLink({ path: first, case: held }), { replace: true });
  }, [path, session, navigate]);

  if (path === null) {
    return firstOf(session) === null ? <NoPolicy session={session} /> : <Loading what="the policy" />;
  }
  return <Workbench key={path} session={session} path={path} client={languageClient(session.root_uri)} language={up} />;
}

/** A folder without a policy: the button that begins one stands in the list of files where that has any. */
function NoPolicy({ session: { root_uri: folder, recipes, runs } }: { session: Session }) {
  if (recipes.length + runs.length === 0) return <FileTree folder={folder} path={null} />;
  return (
    <WithoutFile folder={folder} path={null}>
      <Empty icon={IconFileOff} title="No policy in this folder yet">
        “New policy” begins one. {recipes.length > 0 ? 'A recipe opens from the list; its rows can be made when the policy that it names is there. ' : ''}
        {runs.length > 0 ? 'The rows of the runs stand in the room Rows.' : ''}
      </Empty>
    </WithoutFile>
  );
}

/** Opens what a link holds (a case, a line), and keeps the address a link to what the form holds. */
function useLink(search: string): void {
  const [, navigate] = useLocation();
  const written = useRef<string | null>(null);

  useEffect(() => {
    if (written.current === search) return;
    const link = new URLSearchParams(search);
    const path = link.get('path');
    if (path === null) return;
    const { path: before, setCase } = useRoom.getState();
    const held = caseFromLink(link.get('case'));
    if (link.has('case') && held === null) say.note('The link holds no case that can be read; the form is as it was.');
    if (held) setCase(held);
    else if (path !== before) setCase({ facts: {} });
    const line = Number(link.get('line'));
    if (line > 0) void whenOpen(path).then((editor) => editor && goToLine(editor, line));
  }, [search]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = useRoom.subscribe((room, before) => {
      if (room.case === before.case) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        const path = new URLSearchParams(window.location.search).get('path');
        if (path === null || window.location.pathname !== '/policy') return;
        const { case: held } = useRoom.getState();
        const link = policyLink({ path, case: Object.keys(held.facts).length > 0 ? held : null });
        written.current = link.slice(link.indexOf('?') + 1);
        navigate(link, { replace: true });
      }, 300);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [navigate]);
}

