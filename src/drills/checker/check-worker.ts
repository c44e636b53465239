/** The thread of `checkInThread`: opens what a drill has left, reads it, judges it, answers once. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { isKitError, KitError } from '../../kit/errors.ts';
import { EmbeddedLog } from '../../kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../../kit/log/event-log.ts';
import { KafkaLog } from '../../kit/log/kafka/kafka-log.ts';
import { SqliteProjectionStore } from '../../kit/projections/embedded/sqlite-store.ts';
import type { ProjectionStore } from '../../kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../../kit/projections/redis/redis-store.ts';
import { socialProjections } from '../../pipelines/social-projections.ts';
import { readHistory } from '../history/read-history.ts';
import { check } from './check.ts';
import type { CheckTarget } from './check-target.ts';
import type { CheckReport } from './findings.ts';
import { observe } from './observe.ts';

/** An error is sent as its parts: a class does not survive the way between threads. */
export type CheckAnswer =
  | { readonly ok: true; readonly report: CheckReport }
  | {
      readonly ok: false;
      readonly code: string | null;
      readonly message: string;
      readonly retriable: boolean;
      readonly details: Readonly<Record<string, unknown>>;
    };

parentPort!.postMessage(await answer(workerData as CheckTarget));

async function answer(target: CheckTarget): Promise<CheckAnswer> {
  try {
    return { ok: true, report: await checkTarget(target) };
  } catch (error) {
    if (!isKitError(error)) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { ok: false, code: null, message, retriable: false, details: {} };
    }
    const { code, message, retriable } = error;
    // details may hold what cannot be cloned
    return { ok: false, code, message, retriable, details: JSON.parse(JSON.stringify(error.details)) };
  }
}

async function checkTarget(target: CheckTarget): Promise<CheckReport> {
  await using opened = new AsyncDisposableStack();
  const log = opened.adopt(await openLog(target.log), (open) => open.close());
  const store = async (name: string): Promise<ProjectionStore> =>
    opened.adopt(await openStore(target.stores, name), (open) => open.close());
  const stores = { engagement: await store('engagement'), activity: await store('activity') };
  return await check(readHistory(target.historyFiles), await observe(log, socialProjections(stores, target.groupId)));
}

async function openLog(from: CheckTarget['log']): Promise<EventLog> {
  if (from.kind === 'kafka') return KafkaLog.connect({ bootstrap: from.bootstrap, clientId: 'checker' });
  assertThere(join(from.directory, 'log.db'));
  return EmbeddedLog.open({ directory: from.directory });
}

async function openStore(from: CheckTarget['stores'], name: string): Promise<ProjectionStore> {
  if (from.kind === 'redis') return RedisProjectionStore.open({ host: from.host, port: from.port, name });
  const path = join(from.directory, `${name}.db`);
  assertThere(path);
  return SqliteProjectionStore.open({ path, name });
}

/** Opening would create it, and the check would find it empty. */
function assertThere(path: string): void {
  if (!existsSync(path)) throw new KitError('DATA_DIR_UNUSABLE', `there is no ${path} to check`, { details: { path } });
}
