import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The studio's own hue: a deep green-blue, dark enough from shade 6 on to carry white text (contrast above 4.5). */
const pine: MantineColorsTuple = [
  '#eaf6f5', '#d3eae8', '#a6d5d1', '#77bfb9', '#50aca5', '#35a097', '#1f7c76', '#196661', '#12524e', '#083f3c',
];

export const theme = createTheme({
  colors: { pine },
  primaryColor: 'pine',
  primaryShade: 6,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.125rem' }, h2: { fontSize: '0.9375rem' }, h3: { fontSize: '0.8125rem' } } },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  components: {
    Tooltip: { defaultProps: { openDelay: 350, withArrow: true, multiline: true, maw: 320, fz: 'xs' } },
    Button: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    TreeSelect: { defaultProps: { size: 'xs' } },
    Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Tabs: { defaultProps: { keepMounted: false } },
    Badge: { styles: { label: { textTransform: 'none' as const } } },
  },
});

/** Mantine's dimmed text is too pale for AA on tinted ground; surfaces and verdicts get names of their own. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-dimmed': '#5c656f',
    '--surface': '#f6f7f8',
    '--surface-raised': '#ffffff',
    '--line': '#dfe3e6',
    '--lit': '#fff3bf',
    '--comply': '#0b6b50',
    '--warn': '#855300',
    '--clarify': '#1558b0',
    '--redirect': '#7a3299',
    '--refuse': '#b3261e',
    '--code-declaring': '#0b5c58',
    '--code-name': '#1d2730',
    '--code-clause': '#7a3a10',
    '--code-operator': '#6b3fa0',
    '--code-type': '#0f5f8a',
    '--code-subject': '#1558b0',
    '--code-value': '#8a1f5c',
    '--code-text': '#3b6218',
  },
  dark: {
    '--mantine-color-body': '#16191c',
    '--mantine-color-text': '#d6dbe0',
    '--mantine-color-dimmed': '#9aa4ae',
    '--surface': '#1c2024',
    '--surface-raised': '#22272c',
    '--line': '#333a41',
    '--lit': '#4a411b',
    '--comply': '#5fd0a8',
    '--warn': '#f0b84a',
    '--clarify': '#7fb5ff',
    '--redirect': '#d59bf0',
    '--refuse': '#ff8f86',
    '--code-declaring': '#5cc9c1',
    '--code-name': '#f0f3f6',
    '--code-clause': '#e6ab7c',
    '--code-operator': '#c3a4f0',
    '--code-type': '#7cc4ec',
    '--code-subject': '#8db9ff',
    '--code-value': '#f19ac6',
    '--code-text': '#a8cf84',
  },
});
