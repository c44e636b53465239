/** The whole embedded platform in one process: log, projections, consumers, and the load that is put on it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { socialTopicSpecs } from '../../domains/social/topics.ts';
import { EmbeddedLog } from '../../kit/log/embedded/embedded-log.ts';
import { TopicManager } from '../../kit/log/topic-manager.ts';
import { SqliteProjectionStore } from '../../kit/projections/embedded/sqlite-store.ts';
import { HistoryRecorder } from '../history/recorder.ts';
import { recordingLog } from '../history/recording-log.ts';
import { ConsumerWorker } from './consumer-worker.ts';
import { LoadWorker } from './load-worker.ts';
import type { PlatformProgress, PlatformSpec } from './worker-spec.ts';

export class PlatformWorker {
  readonly load: LoadWorker;
  readonly #consumers: ConsumerWorker;
  readonly #log: EmbeddedLog;

  static async open(spec: PlatformSpec): Promise<PlatformWorker> {
    await using opened = new AsyncDisposableStack();
    const history = opened.adopt(new HistoryRecorder(spec.appliesFile, spec.name), (open) => open.close());
    const log = opened.adopt(await EmbeddedLog.open({ directory: join(spec.directory, 'log') }), (open) =>
      open.close(),
    );
    await new TopicManager(log).ensure(socialTopicSpecs('local', 1));
    const projections = join(spec.directory, 'projections');
    mkdirSync(projections, { recursive: true });
    const store = async (name: string) =>
      opened.adopt(await SqliteProjectionStore.open({ path: join(projections, `${name}.db`), name }), (open) =>
        open.close(),
      );
    const stores = { engagement: await store('engagement'), activity: await store('activity') };
    const consumers = await ConsumerWorker.over(spec, recordingLog(log, history), stores, history, opened);
    return new PlatformWorker(new LoadWorker(spec, log, () => consumers.finish()), consumers, log);
  }

  private constructor(load: LoadWorker, consumers: ConsumerWorker, log: EmbeddedLog) {
    this.load = load;
    this.#consumers = consumers;
    this.#log = log;
  }

  /** Rejects with what broke a consumer. */
  get broken(): Promise<unknown> {
    return this.#consumers.broken;
  }

  progress(): PlatformProgress {
    return { ...this.load.progress(), ...this.#consumers.progress((at) => this.#log.store.offsets(at).end) };
  }

  /** Load, consumers, projections, log, in this order. */
  finish(): Promise<void> {
    return this.load.finish();
  }
}
