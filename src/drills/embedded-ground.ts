/** What embedded drills play on: the platform's files in a directory, and one process after another that works on them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckTarget } from './checker/check-target.ts';
import { GROUP_ID, type Stage } from './stage.ts';
import { WorkerProcess } from './workers/worker-process.ts';
import type { PlatformProgress, PlatformSpec } from './workers/worker-spec.ts';

export type PlatformProcess = WorkerProcess<PlatformProgress>;

/** Seeds apart: no two processes make the same events. */
const SEEDS_PER_PROCESS = 10_000;
const QUIET_MS = 60_000;

export class EmbeddedGround {
  readonly directory: string;
  readonly #stage: Stage;
  /** The histories of the projections, one for every process so far. */
  readonly appliesFiles: string[] = [];
  #processes = 0;

  /** @param directory of the platform; created if it is missing */
  constructor(stage: Stage, directory = join(stage.options.directory, 'platform')) {
    mkdirSync(directory, { recursive: true });
    this.#stage = stage;
    this.directory = directory;
  }

  /**
   * A process that has opened the directory, owns every partition, and waits for `start`. The one before has ended.
   *
   * @param env on top of this process's own
   */
  async start(
    wish: Partial<Omit<PlatformSpec, 'role' | 'name'>> = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<PlatformProcess> {
    this.#processes += 1;
    const name = `platform-${this.#processes}`;
    const appliesFile = this.#stage.historyFile(`${name}-applies`);
    this.appliesFiles.push(appliesFile);
    const { seed, ratePerSecond, sabotage } = this.#stage.options;
    const platform = await WorkerProcess.start<PlatformProgress>(
      {
        role: 'platform',
        name,
        directory: this.directory,
        historyFile: this.#stage.historyFile(name),
        appliesFile,
        seed: seed + this.#processes * SEEDS_PER_PROCESS,
        ratePerSecond,
        poisonShare: 0.001,
        repeatShare: 0.01,
        maxOutstanding: 20_000,
        recordsBeginnings: true,
        groupId: GROUP_ID,
        flakyShare: 0.0005,
        sabotage,
        ...wish,
      },
      env,
    );
    this.#stage.adopt(platform);
    return platform;
  }

  /** No more load; then all that was sent is settled, the projections are at the log's end, and the process ends in order. */
  async settle(platform: PlatformProcess): Promise<void> {
    this.#stage.mark('load ends');
    platform.send({ do: 'rate', ratePerSecond: 0 });
    await this.#stage.until('a quiet moment', QUIET_MS, () => {
      const { outstanding, lag, parked } = platform.progress ?? { outstanding: 1, lag: 1, parked: 1 };
      return platform.running && outstanding + lag + parked === 0;
    });
    this.#stage.mark('quiet');
    await platform.finish();
  }

  /** Once no process works on the directory. */
  checkTarget(): CheckTarget {
    return {
      historyFiles: this.#stage.historyFiles,
      log: { kind: 'embedded', directory: join(this.directory, 'log') },
      stores: { kind: 'sqlite', directory: join(this.directory, 'projections') },
      groupId: GROUP_ID,
    };
  }
}
