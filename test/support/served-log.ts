/** An embedded log on disk with the broker in front, as `npm start` has it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerOptions, openBroker } from '../../src/broker/broker.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';

export interface ServedLog {
  readonly log: EmbeddedLog;
  readonly directory: string;
  /** `host:port` */
  readonly bootstrap: string;
  /** What the broker had to say of its clients, a line each. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function serveLog(options: Pick<BrokerOptions, 'settings' | 'limits'> = {}): Promise<ServedLog> {
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'served-log-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const log = opened.adopt(await EmbeddedLog.open({ directory }), (open) => open.close());
  const complaints: string[] = [];
  const note = (details: object, message: string): void => void complaints.push(`${message} ${describe(details)}`);
  const broker = opened.adopt(await openBroker({ ...options, log, logger: { warn: note, error: note } }), (open) =>
    open.close(),
  );
  const all = opened.move();
  return { log, directory, bootstrap: `${broker.host}:${broker.port}`, complaints, close: () => all.disposeAsync() };
}

function describe(details: object): string {
  return JSON.stringify(details, (_, value) => (value instanceof Error ? value.message : value));
}
