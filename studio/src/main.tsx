import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './shell/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Studio } from './shell/Studio';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Studio />
    </StrictMode>,
  );
}
