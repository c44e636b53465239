import type { Command } from 'commander';
import { PAST_TIMEOUT_MS, pastMoment } from './moment.ts';
import { print, printJson, table } from './output.ts';
import type { VerbContext } from './verbs.ts';

interface StateAnswer {
  readonly projection: string;
  readonly key: string;
  readonly at: string;
  readonly document: Readonly<Record<string, number | string>>;
  readonly folded: number;
  readonly from_snapshot: string | null;
  readonly missing: number;
}

export function stateVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('state').description('what the projections were at a time of the past');
  context
    .verb(
      noun,
      'at <time>',
      'a document as it was before a time (RFC 3339, 14:00, or how long ago: 2h), folded from the log',
    )
    .requiredOption('--projection <name>', 'e.g. engagement')
    .requiredOption('--key <key>', 'of the document, e.g. post_991')
    .option('--json', 'print JSON')
    .action(async (time: string, flags: { projection: string; key: string; json?: boolean }) => {
      const moment = pastMoment(time, Date.now());
      await context.withClient({ consume: false }, async (client) => {
        const query = new URLSearchParams({ key: flags.key, at: new Date(moment).toISOString() });
        const path = `/api/v1/projections/${encodeURIComponent(flags.projection)}/state?${query}`;
        const answer = await client.request<StateAnswer>('GET', path, { timeoutMs: PAST_TIMEOUT_MS });
        if (flags.json) return printJson(answer);
        print(
          table(
            ['field', 'value'],
            Object.entries(answer.document).map(([field, value]) => [field, String(value)]),
          ),
        );
        print(originText(answer));
      });
    });
}

function originText({ at, folded, from_snapshot: snapshot, missing }: StateAnswer): string {
  const since = snapshot === null ? 'the beginning of the log' : `the snapshot of ${snapshot}`;
  const lacks = missing === 0 ? '' : `; the log has forgotten ${missing} records before that, which the answer lacks`;
  return `before ${at}: ${folded.toLocaleString('en-US')} records folded on from ${since}${lacks}`;
}
