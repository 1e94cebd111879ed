import { ActionIcon, Button, SegmentedControl, Splitter, Text, Tooltip, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue, useDisclosure, useHotkeys, useMediaQuery } from '@mantine/hooks';
import { formatDocument, type LSPClient } from '@codemirror/lsp-client';
import { IconDeviceFloppy, IconFileAlert, IconKeyboard, IconTextWrapDisabled } from '@tabler/icons-react';
import { Suspense, useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { api } from '../api/calls';
import type { CoveredLine, Session } from '../api/types';
import { Empty } from '../parts/Empty';
import { policyLink } from '../parts/links';
import { Loading } from '../parts/Loading';
import { Prose } from '../parts/Prose';
import { VerdictBadge } from '../parts/verdicts';
import { fetched } from '../shell/fetched';
import { sentenceOf, say } from '../shell/say';
import { Below } from './Below';
import { type Bench, BenchContext } from './bench';
import { CasePane } from './case/CasePane';
import { Conflict } from './Conflict';
import { DecisionPane, type Style } from './decision/DecisionPane';
import { Editor } from './editor/Editor';
import { applyEdits, editorOf, goToLine, replaceText } from './editor/handle';
import { FileTree } from './FileTree';
import { Keep } from './Keep';
import { Keys } from './Keys';
import { MakeRows } from './MakeRows';
import { useLive } from './live';
import { Notices } from './Notices';
import { editOthers } from './others';
import classes from './Room.module.css';
import { useRoom, useUnsaved } from './store';
import { useFile } from './useFile';
import { WithoutFile } from './WithoutFile';

const RulesPicture = fetched(() => import('./rules/RulesPicture').then((module) => ({ default: module.RulesPicture })));
const NO_LINES: CoveredLine[] = [];

type View = 'files' | 'text' | 'rules' | 'case' | 'decision' | 'checks';

interface WorkbenchProps {
  session: Session;
  path: string;
  client: LSPClient;
  /** Whether the language server is connected. */
  language: boolean;
}

/** One open file, with all that is said of it. */
export function Workbench({ session, path, client, language }: WorkbenchProps) {
  const [, navigate] = useLocation();
  const wide = useMediaQuery('(min-width: 1000px)', undefined, { getInitialValueInEffect: false });
  const held = useFile(session.root_uri, path);
  const open = useRoom((room) => room.path === path && room.saved !== null);
  const version = useRoom((room) => room.version);
  const facing = useRoom((room) => room.case);
  const unsaved = useUnsaved();
  const policy = path.endsWith('.safecot');
  const [view, setView] = useState<View>('text');
  const [style, setStyle] = useState<Style>('stepwise');
  const [run, setRun] = useState<string | null>(null);
  const [asked, setAsked] = useState<{ name: string; at: number } | null>(null);
  const [keepOpen, keep] = useDisclosure(false);
  const [keysOpen, keys] = useDisclosure(false);
  const [comparing, compare] = useDisclosure(false);
  const [settled] = useDebouncedValue(version, 300);
  // From wherever the focus is; in the editor, its own key has saved already.
  const { save } = held;
  const saveKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    save();
  };
  useHotkeys([['mod+S', saveKey, { preventDefault: false }]], [], true);

  const source = () => ({ path, text: useRoom.getState().text });
  const ready = open && policy;
  const facts = useLive('facts', [path, version], () => api.facts(source()), ready);
  const decision = useLive(
    'decide',
    [path, version, facing, style],
    () => {
      const names = new Set(facts.data?.facts.map((fact) => fact.name));
      const known = Object.entries(useRoom.getState().case.facts).filter(([name]) => names.has(name));
      return api.decide(source(), { facts: Object.fromEntries(known) }, style);
    },
    ready && (facts.data?.facts.length ?? 0) > 0,
  );
  const examples = useLive('examples', [path, settled], () => api.examples(source()), ready);
  const claims = useLive('claims', [path, settled], () => api.claims(source()), ready);
  const findings = useLive('findings', [path, settled], () => api.findings(source()), ready);
  const rules = useLive('rules', [path, settled], () => api.rules(source()), ready);
  const coverage = useLive('coverage', [path, settled, run], () => api.coverage(source(), run ?? undefined), ready);

  const bench = useMemo(
    (): Bench => ({
      path,
      goTo: (place) => {
        if (place.line === null) return;
        if (place.path && place.path !== path) {
          navigate(policyLink({ path: place.path, line: place.line, case: useRoom.getState().case }));
          return;
        }
        setView('text');
        const editor = editorOf(path);
        // The text may just have come into view.
        if (editor) requestAnimationFrame(() => place.line !== null && goToLine(editor, place.line));
      },
      openCase: (wanted, named) => {
        useRoom.getState().setCase(wanted);
        setView('case');
        say.note(`The form holds ${named === '' ? 'the case' : named}.`);
      },
      mend: (fix) => {
        const editor = editorOf(path);
        if (editor) applyEdits(editor, fix.edits);
        setView('text');
      },
      write: (text, line) => {
        const editor = editorOf(path);
        if (!editor) return;
        replaceText(editor, text);
        if (line) goToLine(editor, line, false);
      },
      point: (place) => {
        const here = place && place.line !== null ? { path: place.path ?? path, line: place.line, from: 'beside' as const } : null;
        useRoom.getState().light(here);
      },
    }),
    [path, navigate],
  );

  if (held.file.error && !open) {
    return (
      <WithoutFile folder={session.root_uri} path={path}>
        <Empty icon={IconFileAlert} title={`${path} does not open`} action={<Button onClick={() => void held.file.refetch()}>Try again</Button>}>
          <Prose text={sentenceOf(held.file.error)} /> Open another file of the list.
        </Empty>
      </WithoutFile>
    );
  }

  const files = <FileTree folder={session.root_uri} path={path} onOpen={() => setView('text')} />;
  const text = (
    <div className={classes.centre}>
      <div className={classes.bar}>
        <span className={classes.path} title={path}>
          {path}
          {unsaved ? ' (not saved)' : ''}
        </span>
        {wide && policy ? (
          <SegmentedControl
            size="xs"
            aria-label="How the policy is shown"
            value={view === 'rules' ? 'rules' : 'text'}
            onChange={setView}
            data={[
              { value: 'text', label: 'Text' },
              { value: 'rules', label: 'Rules' },
            ]}
          />
        ) : null}
        {policy ? (
          <Button
            variant="default"
            leftSection={<IconTextWrapDisabled size={15} aria-hidden />}
            disabled={!language}
            onClick={() => {
              const editor = editorOf(path);
              if (editor) formatDocument(editor);
            }}
          >
            Lay out
          </Button>
        ) : null}
        {session.recipes.includes(path) ? <MakeRows path={path} unsaved={unsaved} /> : null}
        <Button leftSection={<IconDeviceFloppy size={15} aria-hidden />} disabled={!unsaved} loading={held.isSaving} onClick={held.save}>
          Save
        </Button>
        <Tooltip label="Keys">
          <ActionIcon size={30} aria-label="Keys" onClick={keys.open}>
            <IconKeyboard size={18} stroke={1.6} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      <Notices held={held} compare={compare.open} language={language} policy={policy} />
      <div className={view === 'rules' ? classes.hidden : classes.grow}>
        {open ? (
          <Editor
            key={path}
            client={client}
            root={session.root_uri}
            path={path}
            policy={policy}
            writable={held.file.data?.writable ?? true}
            coverage={coverage.data?.lines ?? NO_LINES}
            save={held.save}
            editOthers={(edits) => editOthers(session.root_uri, edits)}
          />
        ) : (
          <Loading what={path} />
        )}
      </div>
      {view === 'rules' ? (
        <div className={classes.grow}>
          <Suspense fallback={<Loading what="the picture" />}>
            <RulesPicture live={rules} />
          </Suspense>
        </div>
      ) : null}
    </div>
  );
  const casePane = <CasePane facts={facts} recipes={session.recipes} policies={session.recipe_policies} unsettled={decision.data?.unsettled ?? []} asked={asked} />;
  const decided = (
    <DecisionPane
      decision={decision}
      facts={facts}
      style={style}
      setStyle={setStyle}
      keep={keep.open}
      askFor={(name) => {
        setView('case');
        setAsked({ name, at: Date.now() });
      }}
    />
  );
  const checks = <Below findings={findings} quick={rules.data?.findings} examples={examples} claims={claims} coverage={coverage} runs={session.runs} run={run} setRun={setRun} />;

  return (
    <BenchContext value={bench}>
      <VisuallyHidden component="h1">Policy: {path}</VisuallyHidden>
      {wide ? (
        <Splitter className={classes.room} withHandle={false} lineSize={1} handleColor="var(--line)">
          <Splitter.Pane defaultSize="210px" min="140px" max="420px">
            {files}
          </Splitter.Pane>
          <Splitter.Pane defaultSize={100} min={30}>
            {policy ? (
              <Splitter className={classes.room} orientation="vertical" withHandle={false} lineSize={1} handleColor="var(--line)">
                <Splitter.Pane defaultSize={68} min={20}>
                  {text}
                </Splitter.Pane>
                <Splitter.Pane defaultSize={32} min={6}>
                  <div className={classes.below}>{checks}</div>
                </Splitter.Pane>
              </Splitter>
            ) : (
              text
            )}
          </Splitter.Pane>
          {policy ? (
            <Splitter.Pane defaultSize="470px" min="320px" max="760px">
              <Splitter className={classes.room} orientation="vertical" withHandle={false} lineSize={1} handleColor="var(--line)">
                <Splitter.Pane defaultSize={46} min={10}>
                  {casePane}
                </Splitter.Pane>
                <Splitter.Pane defaultSize={54} min={10}>
                  {decided}
                </Splitter.Pane>
              </Splitter>
            </Splitter.Pane>
          ) : null}
        </Splitter>
      ) : (
        <div className={classes.narrow}>
          <div className={classes.views}>
            <SegmentedControl
              size="xs"
              radius={0}
              fullWidth
              aria-label="What is shown"
              value={view}
              onChange={(value) => setView(value as View)}
              data={[
                { value: 'files', label: 'Files' },
                { value: 'text', label: 'Text' },
                ...(policy
                  ? [
                      { value: 'case', label: 'Case' },
                      { value: 'decision', label: 'Decision' },
                      { value: 'checks', label: 'Checks' },
                      { value: 'rules', label: 'Rules' },
                    ]
                  : []),
              ]}
            />
          </div>
          <div style={{ minHeight: 0, overflow: 'auto' }}>
            {view === 'files' ? files : null}
            {/* The editor stays, so that its undo history does. */}
            <div className={view === 'text' || view === 'rules' ? undefined : classes.hidden} style={{ height: '100%' }}>
              {text}
            </div>
            {view === 'case' ? casePane : null}
            {view === 'decision' ? decided : null}
            {view === 'checks' ? <div className={classes.below}>{checks}</div> : null}
          </div>
          {policy && decision.data && view !== 'decision' ? (
            <UnstyledButton className={classes.strip} data-verdict={decision.data.verdict} onClick={() => setView('decision')}>
              <VerdictBadge verdict={decision.data.verdict} />
              <Text span size="sm" truncate>
                {decision.data.deciding.map((rule) => rule.label).join(', ')}
              </Text>
            </UnstyledButton>
          ) : null}
        </div>
      )}
      <Keep opened={keepOpen} decision={decision.data} close={keep.close} />
      <Keys opened={keysOpen} close={keys.close} />
      <Conflict
        path={path}
        other={comparing ? held.conflict : null}
        later={compare.close}
        settle={(other, mended) => {
          held.settle(other, mended);
          compare.close();
        }}
      />
    </BenchContext>
  );
}

