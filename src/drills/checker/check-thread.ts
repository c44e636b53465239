import { Worker } from 'node:worker_threads';
import { KitError } from '../../kit/errors.ts';
import { siblingModule } from '../../kit/sibling-module.ts';
import type { CheckTarget } from './check-target.ts';
import type { CheckAnswer } from './check-worker.ts';
import type { CheckReport } from './findings.ts';

const THREAD = siblingModule('./check-worker', import.meta.url);
const MAX_HEAP_MB = 2_048;
/** What is read is looked at once: a large nursery would only be memory (140 MB in a check of a million events). */
const MAX_NURSERY_MB = 24;
const TIMEOUT_MS = 600_000;

/**
 * Reads what a drill has left and judges it, in a thread of its own: it reads millions of records, and the drill's own
 * timers and connections must not wait for it. An embedded log is opened as its only user; nothing is written to it.
 *
 * @throws KitError HISTORY_UNREADABLE, DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_UNAVAILABLE, STORE_UNAVAILABLE and others of
 *   opening and reading; CHECK_FAILED when the thread ends without an answer, or has none after ten minutes
 */
export async function checkInThread(target: CheckTarget): Promise<CheckReport> {
  const worker = new Worker(THREAD, {
    workerData: target,
    name: 'checker',
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: MAX_NURSERY_MB },
  });
  const failed = (why: string, cause?: unknown): KitError =>
    new KitError('CHECK_FAILED', `the check has no verdict: ${why}`, { cause });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<CheckAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (error) => reject(failed(error instanceof Error ? error.message : String(error), error)));
      worker.once('exit', (code) => reject(failed(`its thread ended with code ${code}`)));
      timer = setTimeout(() => reject(failed(`nothing after ${TIMEOUT_MS / 60_000} minutes`)), TIMEOUT_MS);
    });
    if (answer.ok) return answer.report;
    const { code, message, retriable, details } = answer;
    throw code === null ? failed(message) : new KitError(code, message, { retriable, details });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
