import { Tabs } from '@mantine/core';
import { useState } from 'react';
import type { Coverage, ExampleItem, Finding } from '../api/types';
import { Loading } from '../parts/Loading';
import { ChangesPane } from './below/ChangesPane';
import { CoveragePane } from './below/CoveragePane';
import { Examples } from './below/Examples';
import { Findings } from './below/Findings';
import { NotNow } from './below/NotNow';
import { findingsOf, type Live } from './live';
import classes from './Room.module.css';

interface BelowProps {
  findings: Live<{ findings: Finding[] }>;
  /** What is found without proofs, until those are there. */
  quick: Finding[] | undefined;
  examples: Live<{ items: ExampleItem[] }>;
  claims: Live<{ items: ExampleItem[] }>;
  coverage: Live<Coverage>;
  runs: readonly string[];
  /** The run whose rows count for the coverage and for what changed. */
  run: string | null;
  setRun: (run: string | null) => void;
}

/** What is to be said of the policy as a whole, below its text. */
export function Below({ findings, quick, examples, claims, coverage, ...rows }: BelowProps) {
  const [tab, setTab] = useState<string | null>('examples');
  const [against, setAgainst] = useState('saved');
  const broken = findingsOf(findings.error);
  const found = broken ?? findings.data?.findings ?? quick;
  // What was found in the text before says nothing yet of this one.
  const checking = !broken && findings.old && !findings.error;
  const counted = checking && found?.length === 0 ? undefined : found;
  const errors = found?.filter((finding) => finding.severity === 'error').length ?? 0;
  const items = [...(examples.data?.items ?? []), ...(claims.data?.items ?? [])];
  const failing = items.filter((item) => item.state === 'fails').length;
  return (
    <Tabs value={tab} onChange={setTab} keepMounted={false} className={classes.tabs}>
      <Tabs.List>
        <Tabs.Tab value="examples">
          Examples
          {examples.data ? (
            <span className={classes.count} data-bad={failing > 0 || undefined}>
              {failing > 0 ? `${failing} fail` : items.length}
            </span>
          ) : null}
        </Tabs.Tab>
        <Tabs.Tab value="coverage">Coverage</Tabs.Tab>
        <Tabs.Tab value="changes">What changed</Tabs.Tab>
        <Tabs.Tab value="findings">
          Findings
          {counted ? (
            <span className={classes.count} data-bad={errors > 0 || undefined}>
              {counted.length}
            </span>
          ) : null}
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="examples" className={classes.panel}>
        <Examples live={examples} claims={claims} />
      </Tabs.Panel>
      <Tabs.Panel value="coverage" className={classes.panel}>
        <CoveragePane live={coverage} {...rows} />
      </Tabs.Panel>
      <Tabs.Panel value="changes" className={classes.panel}>
        <ChangesPane {...rows} against={against} setAgainst={setAgainst} />
      </Tabs.Panel>
      <Tabs.Panel value="findings" className={classes.panel}>
        {checking ? <Loading what="the findings" /> : null}
        {counted ? <Findings findings={counted} /> : findings.error ? <NotNow error={findings.error} /> : null}
      </Tabs.Panel>
    </Tabs>
  );
}
