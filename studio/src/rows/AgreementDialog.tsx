import { Modal, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Loading } from '../parts/Loading';
import { percent } from '../parts/numbers';
import { Prose } from '../parts/Prose';
import { Rate } from '../parts/Rate';
import { Verbatim } from '../parts/Verbatim';
import { sentenceOf } from '../shell/say';
import { rows } from './calls';
import classes from './AgreementDialog.module.css';

/** How far reviewers agree with each other, and annotators with what people say. */
export function AgreementDialog({ run, onClose }: { run: string; onClose: () => void }) {
  const found = useQuery({ queryKey: ['agreement', run], queryFn: ({ signal }) => rows.agreement(run, signal), staleTime: 0 });
  return (
    <Modal opened onClose={onClose} title="Agreement" size="xl">
      {found.isPending ? <Loading what="the agreement" /> : null}
      {found.isError ? <Text role="alert"><Prose text={sentenceOf(found.error)} /></Text> : null}
      {found.data ? (
        <Stack gap="xl">
          <section aria-labelledby="between-reviewers">
            <h2 id="between-reviewers" className={classes.title}>
              Between reviewers
            </h2>
            {found.data.reviewers.length === 0 ? (
              <Text size="sm" c="dimmed">
                No two people have reviewed the same row yet. Let a second person review some of these rows, in this browser under another name or on a copy of
                the folder; the two files of reviews can be put together.
              </Text>
            ) : (
              <Table className={classes.table}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Reviewers</Table.Th>
                    <Table.Th>Rows of both</Table.Th>
                    <Table.Th>Say the same</Table.Th>
                    <Table.Th>Cohen’s kappa</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {found.data.reviewers.map((pair) => (
                    <Table.Tr key={`${pair.a} ${pair.b}`}>
                      <Table.Td>
                        <Verbatim text={pair.a} /> and <Verbatim text={pair.b} />
                      </Table.Td>
                      <Table.Td data-label="Rows of both">{pair.n}</Table.Td>
                      <Table.Td data-label="Say the same">
                        {pair.agree} ({percent(pair.agree / Math.max(1, pair.n))} %)
                      </Table.Td>
                      <Table.Td data-label="Cohen’s kappa">{pair.kappa === null ? 'cannot be told' : `${pair.kappa.toFixed(2)} (${pair.low.toFixed(2)} to ${pair.high.toFixed(2)})`}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </section>
          <section aria-labelledby="of-annotators">
            <h2 id="of-annotators" className={classes.title}>
              Annotators against people
            </h2>
            {found.data.annotators.length === 0 ? (
              <Text size="sm" c="dimmed">
                Nothing to compare yet. An accepted row, and a fact that a reviewer has changed, are held against what the annotators of this run read.
              </Text>
            ) : (
              <Table className={classes.table}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Annotator</Table.Th>
                    <Table.Th>Fact</Table.Th>
                    <Table.Th>Rows</Table.Th>
                    <Table.Th>Agree, per cent</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {found.data.annotators.map((one) => (
                    <Table.Tr key={`${one.annotator} ${one.fact}`}>
                      <Table.Td>
                        <Verbatim text={one.annotator} />
                      </Table.Td>
                      <Table.Td data-label="Fact">{one.fact}</Table.Td>
                      <Table.Td data-label="Rows">{one.n}</Table.Td>
                      <Table.Td data-label="Agree, per cent">
                        <Rate value={one.n === 0 ? null : one.agree / one.n} low={one.low} high={one.high} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </section>
          {found.data.reviewers.length > 0 || found.data.annotators.length > 0 ? (
            <Text size="xs" c="dimmed">
              Behind each figure stands its 95 % interval.
            </Text>
          ) : null}
        </Stack>
      ) : null}
    </Modal>
  );
}
