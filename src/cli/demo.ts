import { type Command, InvalidArgumentError } from 'commander';
import { KitError } from '../kit/errors.ts';
import type { DemoReport } from '../pipelines/demo.ts';
import type { Client } from './client.ts';
import { Progress, print, printJson } from './output.ts';
import { demoText } from './reports.ts';
import { integer, type VerbContext } from './verbs.ts';

const MAX_POISON_SHARE = 0.5;

export interface DemoFlags {
  readonly events?: number;
  readonly seed?: number;
  readonly rate?: number;
  readonly real?: boolean;
  readonly poison?: number;
}

/** Adds the demo's options; shared by `demo` and `up`. */
export function demoOptions(command: Command, prefix = ''): Command {
  return command
    .option(`--${prefix}events <n>`, 'events in the demo (default 10,000)', integer(1, 10_000_000))
    .option(`--${prefix}seed <n>`, 'seed of the generated traffic (default: a new one)', integer(0, 0xffff_ffff))
    .option(`--${prefix}rate <n>`, 'events per second, 0 as fast as it goes (default 2,000)', integer(0, 1_000_000))
    .option(`--${prefix}poison <share>`, 'of the content interactions, how many nobody can read (default 0.01)', share)
    .option('--real', 'replay the bundled real activity instead of generated traffic');
}

export function demoVerb(program: Command, context: VerbContext): void {
  demoOptions(context.verb(program, 'demo', 'run the demo and reconcile what came of it'))
    .option('--json', 'print the report as JSON')
    .action(async (flags: DemoFlags & { json?: boolean }) => {
      await context.withClient({ consume: true }, async (client) => {
        const report = await runDemo(client, flags);
        if (flags.json) printJson(report);
        else print(demoText(report));
        if (report.balanced !== true)
          throw new KitError('VERDICT_NOT_MET', 'The demo did not balance; see the table above');
      });
    });
}

async function runDemo(client: Client, flags: DemoFlags): Promise<DemoReport> {
  const progress = new Progress();
  await client.request('POST', '/api/run-demo', { body: demoBody(flags) });
  for (;;) {
    const { demo } = await client.request<{ demo: DemoReport | null }>('GET', '/api/status');
    if (demo !== null && demo.state !== 'RUNNING') {
      progress.clear();
      return demo;
    }
    if (demo !== null)
      progress.update(`demo: ${demo.published} of ${demo.requested} published, ${demo.applied} applied`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function demoBody({ events, seed, rate, real, poison }: DemoFlags): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ events, seed, rate_per_second: rate, real, poison_share: poison }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

function share(text: string): number {
  const value = Number(text);
  if (!/^[\d.]+$/.test(text) || !(value >= 0 && value <= MAX_POISON_SHARE))
    throw new InvalidArgumentError(`It must be a number from 0 to ${MAX_POISON_SHARE}.`);
  return value;
}
