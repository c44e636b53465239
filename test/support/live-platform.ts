/**
 * A platform and its HTTP API in the test's process, as `streamsocial up` puts them together, on free ports and a directory of its
 * own. The dashboard that it serves is built first where its sources have changed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildDashboard } from '../../bin/dashboard.mjs';
import { type ApiOptions, buildApi } from '../../src/api/build-api.ts';
import { apiSettings } from '../../src/cli/api-settings.ts';
import { LaunchedControl } from '../../src/cli/cluster-control.ts';
import { telemetryOf } from '../../src/cli/cluster-health.ts';
import { drillMark, ServedDrills } from '../../src/cli/served-drills.ts';
import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import type { Platform } from '../../src/pipelines/platform.ts';
import { teardown } from './teardown.ts';

export interface LivePlatform {
  /** `http://127.0.0.1:PORT`, the same after a `start`. */
  readonly url: string;
  /** Of the present start. */
  readonly platform: Platform;
  readonly settings: Settings;
  /** As Ctrl-C does. */
  stop(): Promise<void>;
  /** On the same port and files again. */
  start(): Promise<void>;
}

export interface LiveOptions {
  /** As flags of `up`, a `dataDir` of the test's own among them if it likes: `{ log: 'kafka', bootstrap: '…', groupId: 'mine', redisPort: '…', redisDb: '9' }`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** In place of what `up` hands to the API. */
  readonly api?: Partial<ApiOptions>;
  /** False where nobody looks at its pages: they are not built. */
  readonly pages?: boolean;
}

const DRILL_END_MS = 5_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** For what serves it without `launchPlatform`. @throws SetupError with what the build said */
export function dashboardIsBuilt(): Promise<void> {
  return buildDashboard(root, process.execPath, join(root, '.node'));
}

/** Gone with the test. */
export async function platformForTests(t: TestContext, options: LiveOptions = {}): Promise<LivePlatform> {
  const live = await launchPlatform(options);
  teardown(t).defer(() => live[Symbol.asyncDispose]());
  return live;
}

/** For a whole file: `await using`, or dispose of it in an `after`. */
export async function launchPlatform({
  flags = {},
  api = {},
  pages = true,
}: LiveOptions = {}): Promise<LivePlatform & AsyncDisposable> {
  if (pages) await dashboardIsBuilt();
  const dataDir = await mkdtemp(join(tmpdir(), 'streamsocial-live-'));
  const loaded = loadSettings({ flags: { dataDir, brokerPort: '0', webPort: '0', ...flags }, env: {}, cwd: dataDir });
  const { settings } = loaded;
  let running: { readonly platform: Platform; readonly port: number; close(): Promise<void> } | null = null;
  let port = settings.webPort;

  const start = async (): Promise<void> => {
    await using opened = new AsyncDisposableStack();
    const telemetry = telemetryOf(settings);
    const platform = opened.adopt(
      await openPlatform(settings, { consume: true, telemetry, serve: 'on this port' }),
      (open) => open.close(),
    );
    const cluster = new LaunchedControl(loaded);
    const drills = opened.adopt(
      new ServedDrills(settings.dataDir, (run) => platform.pulse.marks.add(drillMark(run))),
      (open) => open.close(DRILL_END_MS),
    );
    const parts = { platform, settings: apiSettings(settings), cluster, drills, ...api };
    const app = opened.adopt(buildApi(parts), (open) => open.close());
    await app.listen({ host: settings.webHost, port });
    port = (app.server.address() as AddressInfo).port;
    const open = opened.move();
    running = { platform, port, close: () => open.disposeAsync() };
  };
  const stop = async (): Promise<void> => {
    const closing = running?.close();
    running = null;
    await closing;
  };
  const dispose = async (): Promise<void> => {
    await stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  await start().catch(async (error) => {
    await dispose();
    throw error;
  });
  return {
    settings,
    start,
    stop,
    get url() {
      return `http://${settings.webHost}:${port}`;
    },
    get platform() {
      if (running === null) throw new Error('the platform is stopped');
      return running.platform;
    },
    [Symbol.asyncDispose]: dispose,
  };
}
