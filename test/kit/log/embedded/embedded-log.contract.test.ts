import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventLogContract } from '../../../../src/kit/log/contract.ts';
import { EmbeddedLog } from '../../../../src/kit/log/embedded/embedded-log.ts';

eventLogContract(
  'embedded',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'embedded-log-'));
    const log = await EmbeddedLog.open({ directory });
    return {
      log,
      async close() {
        await log.close();
        await rm(directory, { recursive: true });
      },
    };
  },
  { minSessionTimeoutMs: 1_000 },
);

eventLogContract(
  'embedded, in memory',
  async () => {
    const log = await EmbeddedLog.open({ directory: null });
    return { log, close: () => log.close() };
  },
  { minSessionTimeoutMs: 1_000 },
);
