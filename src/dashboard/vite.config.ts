/** How the dashboard becomes `assets/dashboard`. `bin/dashboard.mjs` runs it; by hand, with a server on 8765 behind it: `npx vite src/dashboard`. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const API = 'http://127.0.0.1:8765';

export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    outDir: fileURLToPath(new URL('../../assets/dashboard', import.meta.url)),
    emptyOutDir: true,
    // an inlined file would be a data: address, which the page's policy refuses
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: 'manifest.json',
  },
  server: { proxy: { '/api': { target: API, ws: true, changeOrigin: true } } },
});
