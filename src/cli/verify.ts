import type { Command } from 'commander';
import { KitError } from '../kit/errors.ts';
import type { Reconciliation } from '../pipelines/reconciliation.ts';
import { print, printJson } from './output.ts';
import { reconciliationText } from './reports.ts';
import type { VerbContext } from './verbs.ts';

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
        const result = await client.request<Reconciliation>('GET', '/api/v1/reconciliation', { timeoutMs: 600_000 });
        if (flags.json) printJson(result);
        else print(reconciliationText(result));
        if (!result.balanced)
          throw new KitError('VERDICT_NOT_MET', 'The log and what was made of it differ; see the table above');
      });
    });
}
