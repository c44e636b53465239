/** Goes through a page with the Tab key, as somebody without a mouse does. */
import type { Page } from 'playwright-core';

export interface KeyboardWalk {
  /** Stops without a focus that can be seen, or off the screen; a line each. */
  readonly unseen: readonly string[];
  /** What a mouse can press and the Tab key does not lead to. */
  readonly unreached: readonly string[];
  readonly stops: number;
}

const MAX_STOPS = 500;

/** What of a group one stop is for, arrow keys lead on: tabs, radio buttons, options, tree items. */
const IN_PAGE = `(() => {
  const INTERACTIVE = 'a[href], button, input, select, textarea, summary, [tabindex], [role=button], [role=link], [contenteditable]';
  const GROUPED = '[role=tab], [role=radio], [role=option], [role=treeitem], [role=menuitem], input[type=radio]';
  const tell = (element) => {
    const name = element.getAttribute('aria-label') ?? element.innerText ?? '';
    return element.localName + (element.classList.length > 0 ? '.' + element.classList[0] : '') + ' "' + name.trim().slice(0, 40) + '"';
  };
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length > 0;
  const seen = new WeakSet();
  return {
    /** Null at the end of the page. */
    stop() {
      const element = document.activeElement;
      if (element === null || element === document.body || element === document.documentElement) return null;
      if (seen.has(element)) return null;
      seen.add(element);
      // a file chooser and the like are shown by their label
      const target = element.matches('input.visually-hidden') ? element.labels[0] ?? element : element;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(target);
      // a shape of a drawing has a thicker edge in place of an outline
      const edged = target instanceof SVGElement && [...target.children].some((child) => parseFloat(getComputedStyle(child).strokeWidth) >= 2);
      const ring = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none' || edged;
      const box = target.getBoundingClientRect();
      const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1);
      const y = Math.min(Math.max(box.y + Math.min(box.height / 2, 12), 0), innerHeight - 1);
      const top = document.elementFromPoint(x, y);
      const free = top !== null && (target.contains(top) || top.contains(target));
      const onScreen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
      const faults = [ring ? '' : 'no focus ring', onScreen ? '' : 'off the screen', onScreen && !free ? 'covered by ' + (top === null ? 'nothing' : tell(top)) : ''];
      return { what: tell(element), fault: faults.filter(Boolean).join(', ') };
    },
    unreached() {
      return [...document.querySelectorAll(INTERACTIVE)]
        .filter((element) => shown(element) && !seen.has(element) && !element.disabled && !element.closest('[inert]'))
        .filter((element) => !element.matches(GROUPED) && element.getAttribute('tabindex') !== '-1')
        .map(tell);
    },
  };
})()`;

export async function walkWithTab(page: Page): Promise<KeyboardWalk> {
  await page.evaluate(
    `void (document.body.setAttribute('tabindex', '-1'), document.body.focus(), document.body.removeAttribute('tabindex'), globalThis.keyboardWalk = ${IN_PAGE})`,
  );
  const unseen: string[] = [];
  let stops = 0;
  for (; stops < MAX_STOPS; stops++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate<{ what: string; fault: string } | null>('globalThis.keyboardWalk.stop()');
    if (stop === null) break;
    if (stop.fault !== '') unseen.push(`${stop.what}: ${stop.fault}`);
  }
  return { unseen, unreached: await page.evaluate<string[]>('globalThis.keyboardWalk.unreached()'), stops };
}
