/** Fails a test for what its page should not have done: errors of any kind, a broken policy, a request to another host. */
import type { Page } from 'playwright-core';

export interface PageGuard {
  /** Trouble of this kind is part of the test from here on. */
  expect(...patterns: RegExp[]): void;
  /** What went wrong and was not expected, a line each. */
  readonly problems: readonly string[];
  /** @throws Error that lists the problems */
  check(): void;
  /** What has happened so far is looked at already. */
  forgive(): void;
}

/** Logged by the page itself, so that a violation that is only reported counts as well. */
const REPORT_VIOLATIONS = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy violation:', event.effectiveDirective, event.blockedURI, event.sourceFile + ':' + event.lineNumber));`;

export async function guardPage(page: Page, ownHost: string, expected: readonly RegExp[]): Promise<PageGuard> {
  const patterns = [...expected];
  const problems: string[] = [];
  const note = (problem: string): void => {
    if (!patterns.some((pattern) => pattern.test(problem))) problems.push(problem);
  };
  const noteForeign = (url: string): void => {
    const { host, protocol } = new URL(url);
    if (host !== ownHost && /^(https?|wss?):$/.test(protocol)) note(`request to another host: ${url}`);
  };
  page.on('console', (message) => {
    const { url, lineNumber } = message.location();
    if (message.type() === 'error') note(`console error: ${message.text()} (${url}:${lineNumber})`);
  });
  page.on('pageerror', (error) => note(`page error: ${error.stack ?? error.message}`));
  page.on('crash', () => note('the page crashed'));
  page.on('request', (request) => noteForeign(request.url()));
  page.on('websocket', (socket) => noteForeign(socket.url()));
  await page.addInitScript(REPORT_VIOLATIONS);
  return {
    expect: (...more) => void patterns.push(...more),
    problems,
    forgive: () => void problems.splice(0),
    check() {
      if (problems.length > 0) throw new Error(`the page was not clean:\n${problems.join('\n')}`);
    },
  };
}
