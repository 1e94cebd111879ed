import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The page is built into the Python package, so that users need no Node. The server writes a nonce of its own into
 * index.html for every answer, in the place of `__NONCE__`: the Content-Security-Policy allows no other inline style.
 */
export default defineConfig({
  plugins: [react()],
  html: { cspNonce: '__NONCE__' },
  css: { postcss: { plugins: [] } },
  build: {
    outDir: '../safecot_dsl/studio/page',
    emptyOutDir: true,
    sourcemap: false,
    // What is bundled may be passed on with its notices alone.
    license: { fileName: 'licences.md' },
    target: 'es2022',
    // A data: URL of a font or picture would need a wider policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    // Of the six thousand icons only those that are used are read.
    rolldownOptions: { experimental: { lazyBarrel: true } },
  },
  server: {
    port: 5173,
    proxy: { '/api': { target: process.env.STUDIO ?? 'http://127.0.0.1:8790', ws: true } },
  },
});
