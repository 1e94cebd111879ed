import { ActionIcon, Button, CopyButton, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconEraser, IconForms, IconLink } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import type { Annotated, Fact } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { FactField } from '../../parts/FactField';
import { policyLink } from '../../parts/links';
import { Loading } from '../../parts/Loading';
import { Prose } from '../../parts/Prose';
import { sentenceOf } from '../../shell/say';
import { useBench } from '../bench';
import type { Live } from '../live';
import { useRoom } from '../store';
import classes from './Case.module.css';
import { Picture } from './Picture';

const OF: Record<string, string> = { image: 'The picture', request: 'The request', other: 'What else is known' };

interface CasePaneProps {
  facts: Live<{ facts: Fact[] }>;
  recipes: readonly string[];
  /** The policy of each recipe. */
  policies: Readonly<Record<string, string>>;
  /** The facts that the verdict hangs on. */
  unsettled: readonly string[];
  /** A fact to come to, asked for elsewhere; the number makes the same one count again. */
  asked: { name: string; at: number } | null;
}

export function CasePane({ facts, recipes, policies, unsettled, asked }: CasePaneProps) {
  const bench = useBench();
  const held = useRoom((room) => room.case);
  const setFact = useRoom((room) => room.setFact);
  const setCase = useRoom((room) => room.setCase);
  const lit = useRoom((room) => (room.lit?.path === bench.path ? room.lit.line : null));
  const [annotated, setAnnotated] = useState<Annotated | null>(null);
  const body = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!asked) return;
    const field = body.current?.querySelector<HTMLElement>(`[data-fact="${CSS.escape(asked.name)}"]`);
    field?.scrollIntoView({ block: 'center' });
    field?.querySelector<HTMLElement>('input, textarea, [role="slider"]')?.focus();
  }, [asked]);

  const all = facts.data?.facts ?? [];
  const strangers = facts.data ? Object.keys(held.facts).filter((name) => !all.some((fact) => fact.name === name)) : [];
  const subjects = [...new Set(all.map((fact) => fact.of))];

  return (
    <section className={classes.pane} aria-label="Case">
      <div className={classes.bar}>
        <h2 className={classes.title}>Case</h2>
        <Text size="xs" c="dimmed" flex={1}>
          {Object.keys(held.facts).length} of {all.length} facts
        </Text>
        <CopyButton value={window.location.origin + policyLink({ path: bench.path, case: held })}>
          {({ copied, copy }) => (
            <Button variant="default" leftSection={copied ? <IconCheck size={15} aria-hidden /> : <IconLink size={15} aria-hidden />} onClick={copy}>
              {copied ? 'Copied' : 'Copy link'}
            </Button>
          )}
        </CopyButton>
        <Tooltip label="Empty the case">
          <ActionIcon size={30} aria-label="Empty the case" onClick={() => setCase({ facts: {} })} disabled={Object.keys(held.facts).length === 0}>
            <IconEraser size={17} stroke={1.7} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      <div className={classes.body} ref={body} tabIndex={0} role="group" aria-label="Facts of the case">
        {!facts.data && facts.error === null ? <Loading what="the facts" /> : null}
        {!facts.data && facts.error ? (
          <Empty icon={IconForms} title="No case yet">
            <Prose text={sentenceOf(facts.error)} /> Mend the policy, and its facts become a form here.
          </Empty>
        ) : null}
        {facts.data && all.length === 0 ? (
          <Empty icon={IconForms} title="This file declares no facts">
            Write a block <code>facts</code>, such as <code>facts query {'{ intent : one of { … } }'}</code>, and they become a form here.
          </Empty>
        ) : null}
        {strangers.length > 0 ? (
          <Text size="xs" px={12} pt={8} c="var(--warn)" role="status">
            This case speaks of facts that the policy does not declare (any more): {strangers.join(', ')}. They are left out.{' '}
            <Button variant="default" size="compact-xs" onClick={() => strangers.forEach((name) => setFact(name, null))}>
              Take them out
            </Button>
          </Text>
        ) : null}
        {subjects.map((of) => (
          <div key={of}>
            <h3 className={classes.of}>{OF[of] ?? of}</h3>
            {of === 'image' ? <Picture path={bench.path} recipes={recipes} policies={policies} annotated={annotated} setAnnotated={setAnnotated} /> : null}
            {all
              .filter((fact) => fact.of === of)
              .map((fact) => {
                const told = annotated?.facts[fact.name];
                return (
                  <div key={fact.name} data-fact={fact.name}>
                    <FactField
                      fact={fact}
                      state={held.facts[fact.name] ?? null}
                      onChange={(state) => setFact(fact.name, state)}
                      asked={unsettled.includes(fact.name)}
                      lit={fact.line !== null && fact.line === lit}
                      onPoint={(on) => bench.point(on ? fact : null)}
                    >
                      {told ? (
                        <Text size="xs" c="dimmed">
                          Told by {told.annotator}
                          {told.detail ? `: ${told.detail}` : ''}
                        </Text>
                      ) : null}
                    </FactField>
                  </div>
                );
              })}
          </div>
        ))}
      </div>
    </section>
  );
}
