/** The live page: three files, read once, that need nothing from anywhere else. */
import { readFileSync } from 'node:fs';
import type { Api } from './typed.ts';

const FILES = [
  { url: '/', file: 'page.html', type: 'text/html; charset=utf-8' },
  { url: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { url: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
];
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function pageRoutes(app: Api): void {
  for (const { url, file, type } of FILES) {
    const content = readFileSync(new URL(`../../assets/${file}`, import.meta.url));
    app.get(url, { config: { open: true }, schema: { hide: true } }, (_request, reply) =>
      reply.type(type).header('content-security-policy', POLICY).header('cache-control', 'no-cache').send(content),
    );
  }
}
