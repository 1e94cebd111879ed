import { Center, Loader, VisuallyHidden } from '@mantine/core';

export function Loading({ what }: { what: string }) {
  return (
    <Center p="xl" role="status">
      <Loader size="sm" type="dots" />
      <VisuallyHidden>Loading {what}</VisuallyHidden>
    </Center>
  );
}
