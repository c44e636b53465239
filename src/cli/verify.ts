import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { KitError } from '../kit/errors.ts';
import type { ConsumerReport } from '../pipelines/platform.ts';
import type { Reconciliation } from '../pipelines/reconciliation.ts';
import type { Client } from './client.ts';
import { Progress, print, printJson } from './output.ts';
import { reconciliationText } from './reports.ts';
import type { VerbContext } from './verbs.ts';

const POLL_MS = 100;
const QUIET_TIMEOUT_MS = 60_000;

export function verifyVerb(program: Command, context: VerbContext): void {
  context
    .verb(
      program,
      'verify',
      'fold the whole log anew and compare positions, tallies and counters; exit code 4 where they differ',
    )
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => {
      await context.withClient({ consume: context.loaded.settings.log === 'embedded' }, async (client) => {
        await untilQuiet(client);
        const result = await client.request<Reconciliation>('GET', '/api/v1/reconciliation', { timeoutMs: 600_000 });
        if (flags.json) printJson(result);
        else print(reconciliationText(result));
        if (!result.balanced)
          throw new KitError('VERDICT_NOT_MET', 'The log and what was made of it differ; see the table above');
      });
    });
}

/** Events under way are no error: waits for them, but not for ever, since the table says what is still missing. */
async function untilQuiet(client: Client): Promise<void> {
  const progress = new Progress();
  const deadline = performance.now() + QUIET_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { consumer_running, lag, parked } = await client.request<ConsumerReport>('GET', '/api/v1/metrics/consumer');
    if (!consumer_running || (lag === 0 && parked === 0)) break;
    progress.update(`waiting for a quiet moment: ${lag} records behind, ${parked} parked`);
    await delay(POLL_MS);
  }
  progress.clear();
}
