import { Button, Group, SegmentedControl, Select, Text, UnstyledButton } from '@mantine/core';
import { IconBookmarkPlus, IconScale } from '@tabler/icons-react';
import { useState } from 'react';
import type { Decision, Fact, RuleRef, Where } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { Loading } from '../../parts/Loading';
import { Prose } from '../../parts/Prose';
import { Sentences } from '../../parts/Sentences';
import { valueSaid } from '../../parts/states';
import { VERDICTS } from '../../parts/verdicts';
import { sentenceOf } from '../../shell/say';
import { useBench } from '../bench';
import { Broken } from '../below/Findings';
import { findingsOf, type Live } from '../live';
import { useRoom } from '../store';
import classes from './Decision.module.css';
import { Why } from './Why';

const NO_FACTS: readonly Fact[] = [];

export type Style = 'stepwise' | 'full' | 'minimal';

interface DecisionPaneProps {
  decision: Live<Decision>;
  facts: Live<{ facts: Fact[] }>;
  style: Style;
  setStyle: (style: Style) => void;
  keep: () => void;
  askFor: (fact: string) => void;
}

export function DecisionPane({ decision, facts, style, setStyle, keep, askFor }: DecisionPaneProps) {
  const [shown, setShown] = useState<'text' | 'why'>('text');
  const { data } = decision;
  // Nothing is decided before the facts are known: what keeps them away keeps the decision away, too.
  const error = decision.error ?? (data ? null : facts.error);
  const broken = findingsOf(error);

  if (!data) {
    if (broken) return <Broken findings={broken} before={false} />;
    if (error) {
      return (
        <Empty icon={IconScale} title="No decision">
          <Prose text={sentenceOf(error)} />
        </Empty>
      );
    }
    if (facts.data?.facts.length === 0) {
      return (
        <Empty icon={IconScale} title="Nothing to decide">
          A decision is made from facts, and this file declares none.
        </Empty>
      );
    }
    return <Loading what="the decision" />;
  }
  const old = error !== null;
  return (
    <section className={classes.pane} aria-label="Decision">
      {broken ? <Broken findings={broken} before /> : null}
      {error && !broken ? (
        <Text size="xs" p="xs" c="var(--warn)" role="alert">
          <Prose text={sentenceOf(error)} />
        </Text>
      ) : null}
      <Head decision={data} facts={facts.data?.facts ?? NO_FACTS} askFor={askFor} old={old} />
      <Group gap={6} px={12} py={6} style={{ borderBottom: '1px solid var(--line)' }}>
        <SegmentedControl
          size="xs"
          aria-label="What is shown of the decision"
          value={shown}
          onChange={(value) => setShown(value === 'why' ? 'why' : 'text')}
          data={[
            { value: 'text', label: 'Text' },
            { value: 'why', label: 'Why' },
          ]}
        />
        {shown === 'text' ? (
          <Select
            w={128}
            aria-label="How much reasoning is said"
            value={style}
            allowDeselect={false}
            onChange={(value) => value && setStyle(value)}
            data={[
              { value: 'stepwise', label: 'step by step' },
              { value: 'full', label: 'full' },
              { value: 'minimal', label: 'minimal' },
            ]}
          />
        ) : null}
        <Button ml="auto" variant="default" leftSection={<IconBookmarkPlus size={15} aria-hidden />} onClick={keep} disabled={old}>
          Keep as example
        </Button>
      </Group>
      <div className={classes.body} data-old={old || undefined} tabIndex={0} role="group" aria-label="What is said of the case">
        {shown === 'text' ? <Told decision={data} /> : <Why why={data.why} />}
      </div>
    </section>
  );
}

function Head({ decision, facts, askFor, old }: { decision: Decision; facts: readonly Fact[]; askFor: (fact: string) => void; old: boolean }) {
  const { verdict, meaning, possible, certain, deciding, in_question: open, unsettled, assumed, nearest, milliseconds } = decision;
  const label = (name: string) => facts.find((fact) => fact.name === name)?.label ?? name;
  const supposed = Object.entries(assumed);
  return (
    <div className={classes.head} data-verdict={verdict} style={old ? { opacity: 0.55 } : undefined}>
      <Group gap={10} align="baseline" wrap="nowrap">
        <span className={classes.verdict} data-testid="verdict" aria-live="polite">
          {verdict}
        </span>
        <Text size="xs" c="dimmed" flex={1}>
          {certain ? meaning : 'Not certain: it depends on what is not known.'}
        </Text>
        <Text size="xs" c="dimmed" title="The server's time for this answer, compiling included">
          {milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms
        </Text>
      </Group>
      <ol className={classes.scale} aria-label={`Possible verdicts: ${possible.join(', ')}`}>
        {VERDICTS.map((one) => (
          <li key={one} className={classes.step} data-verdict={one} data-possible={possible.includes(one) || undefined} data-now={one === verdict || undefined}>
            {one}
          </li>
        ))}
      </ol>
      <RuleLinks lead={certain ? 'Decided by' : 'Spoken by'} rules={deciding} />
      {open.length > 0 ? <RuleLinks lead="May apply" rules={open} /> : null}
      {deciding.length === 0 && nearest ? <RuleLinks lead="Nearest" rules={[nearest]} /> : null}
      {unsettled.length > 0 ? (
        <div className={classes.rules}>
          <Text span size="xs" c="dimmed">
            Hangs on
          </Text>
          {unsettled.map((name) => (
            <UnstyledButton key={name} fz="inherit" className={classes.rule} onClick={() => askFor(name)}>
              {label(name)}
            </UnstyledButton>
          ))}
        </div>
      ) : null}
      {supposed.length > 0 ? (
        <Text size="xs" c="dimmed">
          Supposed: {supposed.map(([name, value]) => `${label(name)}: ${valueSaid(value)}`).join('; ')}
        </Text>
      ) : null}
    </div>
  );
}

function RuleLinks({ lead, rules }: { lead: string; rules: readonly RuleRef[] }) {
  const bench = useBench();
  if (rules.length === 0) return null;
  return (
    <div className={classes.rules}>
      <Text span size="xs" c="dimmed">
        {lead}
      </Text>
      {rules.map((rule) => (
        <UnstyledButton
          key={rule.rule}
          fz="inherit"
          className={classes.rule}
          title={rule.line === null ? rule.rule : `Go to ${rule.rule}, line ${rule.line}`}
          onMouseEnter={() => bench.point(rule)}
          onMouseLeave={() => bench.point(null)}
          onFocus={() => bench.point(rule)}
          onBlur={() => bench.point(null)}
          onClick={() => bench.goTo(rule)}
        >
          {rule.label}
        </UnstyledButton>
      ))}
    </div>
  );
}

function Told({ decision }: { decision: Decision }) {
  const bench = useBench();
  const lit = useRoom((room) => room.lit);
  const isLit = (where: Where) => lit !== null && where.line === lit.line && (where.path ?? bench.path) === lit.path;
  const beside = { isLit, onPoint: bench.point, onOpen: bench.goTo };
  return (
    <>
      <Sentences sentences={decision.reasoning} beside={beside} />
      <div className={classes.answer}>
        <Sentences sentences={decision.answer} beside={beside} />
        {decision.needs_answer ? (
          <Text size="xs" c="dimmed" px={10} pb={8} pt={2}>
            The policy lets the request through: the answer itself comes from the model.
          </Text>
        ) : null}
      </div>
    </>
  );
}
