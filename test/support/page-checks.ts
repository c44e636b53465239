/** What tests measure of an open page: accessibility, the work of its main thread, frames while it scrolls, its heap. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const WCAG_22_AA = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** How Chromium names a turn of a thread's loop. */
const TASK = 'ThreadControllerImpl::RunTask';
const STEP_PX = 40;
const MIN_FRAMES_PER_SECOND = 30;
/** Of the frames that a page without anything on it makes. */
const MIN_SHARE_OF_FRAMES = 0.8;
const BARE_MS = 1_500;
const LOOKS = 3;

let axeSource: string | undefined;

/** One line for each element that breaks a rule of WCAG 2.2 A or AA, or of axe's best practice; empty where none does. */
export async function axeViolations(
  page: Page,
  options: { readonly except?: readonly string[] } = {},
): Promise<string[]> {
  axeSource ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // through the debugger, which no policy of a page concerns
  await page.evaluate(`window.axe === undefined && (() => { ${axeSource} })()`);
  const run = {
    runOnly: WCAG_22_AA,
    rules: Object.fromEntries((options.except ?? []).map((rule) => [rule, { enabled: false }])),
    resultTypes: ['violations'],
  };
  return page.evaluate<string[]>(`axe.run(document, ${JSON.stringify(run)}).then(({ violations }) =>
    violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + ': ' + help + ' at ' + target.join(' ') + ' (' + failureSummary.split('\\n').slice(1).join(';').trim() + ')')))`);
}

export interface MainThread {
  /** Of every task of at least a millisecond, the time on the processor, longest first: unlike the time that passed, other programs do not count. */
  readonly tasksMs: readonly number[];
  readonly busyMs: number;
  readonly wallMs: number;
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds on the processor. */
  readonly tdur?: number;
}

const MARK = 'watched-by-a-test';

/** Watches the page's main thread until the function that comes back is called. One at a time in a browser. */
export async function watchMainThread(page: Page): Promise<() => Promise<MainThread>> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => void events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'], excludedCategories: ['*'] },
    transferMode: 'ReportEvents',
  });
  await page.evaluate(`void performance.mark('${MARK}')`);
  const startMs = performance.now();
  return async () => {
    const wallMs = performance.now() - startMs;
    const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
    await session.send('Tracing.end');
    await complete;
    await session.detach();
    return { ...tasksOf(events), wallMs };
  };
}

function tasksOf(events: readonly TraceEvent[]): Pick<MainThread, 'tasksMs' | 'busyMs'> {
  const mark = events.find(({ name }) => name === MARK);
  if (mark === undefined) throw new Error(`the trace of ${events.length} events does not show the page's main thread`);
  const tasksMs = events
    .filter(({ name, pid, tid }) => name === TASK && pid === mark.pid && tid === mark.tid)
    .map(({ tdur = 0 }) => tdur / 1_000)
    .sort((a, b) => b - a);
  return { tasksMs: tasksMs.filter((ms) => ms >= 1), busyMs: tasksMs.reduce((sum, ms) => sum + ms, 0) };
}

export interface Scrolling {
  readonly frames: number;
  readonly framesPerSecond: number;
  /** Pixels that it went; 0 where there was nothing to scroll. */
  readonly scrolledPx: number;
}

/** Scrolls an element (or what `selector` says) by some pixels each frame, down and up, and counts the frames that were made. */
export function scroll(page: Page, selector: string, durationMs: number): Promise<Scrolling> {
  return page.evaluate<Scrolling>(`new Promise((resolve) => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const start = performance.now();
    let frames = 0, scrolledPx = 0, step = ${STEP_PX};
    const frame = () => {
      const passed = performance.now() - start;
      if (passed >= ${durationMs}) return resolve({ frames, framesPerSecond: (frames * 1000) / passed, scrolledPx });
      const before = element.scrollTop;
      element.scrollTop += step;
      if (element.scrollTop === before) step = -step;
      scrolledPx += Math.abs(element.scrollTop - before);
      frames += 1;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`);
}

/**
 * Fails where a page that scrolls makes too few frames: fewer than 30 a second, and than four fifths of those that the machine, with
 * all that runs on it, has left for a page with nothing to do but to scroll. The two are measured one after the other, and other programs
 * come and go between them, so that it is looked at three times before it counts as too few.
 */
export async function smoothness(
  page: Page,
  scrolls: () => Promise<Scrolling>,
): Promise<Scrolling & { readonly bare: number }> {
  for (let look = 1; ; look++) {
    const bare = await framesOfBarePage(page);
    const scrolling = await scrolls();
    if (scrolling.framesPerSecond >= Math.min(MIN_FRAMES_PER_SECOND, bare * MIN_SHARE_OF_FRAMES))
      return { ...scrolling, bare };
    assert.ok(look < LOOKS, `${scrolling.framesPerSecond} frames a second, a bare page ${bare}`);
  }
}

async function framesOfBarePage(page: Page): Promise<number> {
  const bare = await page.context().newPage();
  try {
    await bare.goto('about:blank');
    await bare.evaluate(`void (document.body.innerHTML = '<p>text</p>'.repeat(500))`);
    return (await scroll(bare, 'html', BARE_MS)).framesPerSecond;
  } finally {
    await bare.close();
    await page.bringToFront();
  }
}

/** Bytes of the page's heap that are in use after a full collection. */
export async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send('HeapProfiler.enable');
    // what the first one finalizes is freed by the second
    for (let run = 0; run < 2; run++) await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize;
  } finally {
    await session.detach();
  }
}
