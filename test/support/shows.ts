/** What a page comes to show. A look at what it shows at this moment proves nothing: it may be drawn a moment later. */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { until } from './until.ts';

const WITHIN_MS = 20_000;

/** Until its text is this; fails with the text that it has then. */
export async function shows(shown: Locator, expected: string | RegExp): Promise<void> {
  const isShown = (text: string): boolean => (typeof expected === 'string' ? text === expected : expected.test(text));
  let text = '';
  const look = async (): Promise<boolean> => {
    text = await shown.innerText();
    return isShown(text);
  };
  await until(look, { timeoutMs: WITHIN_MS, what: 'the text' }).catch(() => {
    if (typeof expected === 'string') assert.equal(text, expected);
    else assert.match(text, expected);
  });
}

/** Until it cannot be pressed. */
export async function isOff(button: Locator): Promise<void> {
  await until(() => button.isDisabled(), { timeoutMs: WITHIN_MS, what: 'the button that cannot be pressed' });
}
