import { Kbd, Modal, Table } from '@mantine/core';

const MOD = /mac/i.test(navigator.userAgent) ? '⌘' : 'Ctrl';
const KEYS: readonly (readonly [string, string])[] = [
  [`${MOD} S`, 'Save the file'],
  [`${MOD} Space`, 'Complete the word'],
  [`${MOD} .`, 'Do the quick fix of this line'],
  ['F8', 'Go to the next finding'],
  [`${MOD} Shift M`, 'List the findings'],
  ['F12', 'Go to where a name is declared'],
  ['Shift F12', 'Find where a name is used'],
  ['F2', 'Rename'],
  ['Shift Alt F', 'Lay out the text'],
  [`${MOD} F`, 'Search'],
  [`${MOD} Z`, 'Undo'],
  ['Esc, then Tab', 'Leave the text'],
];

/** The keys of the editor. */
export function Keys({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Keys in the text">
      <Table>
        <Table.Tbody>
          {KEYS.map(([key, what]) => (
            <Table.Tr key={key}>
              <Table.Td>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
