/**
 * `npm run fuzz [-- --requests N --seed SEED]`: spoilt requests against the broker, see test/broker/fuzz/fuzz.ts. Exits with 1
 * when the broker does what it must not, with 2 on a wrong argument.
 */
import { parseArgs } from 'node:util';
import { fuzz, type Progress } from '../test/broker/fuzz/fuzz.ts';

const USAGE = `npm run fuzz -- [--requests N] [--seed SEED] [--connections N]

  --requests     how many spoilt ones, default 1,000,000
  --seed         what they are drawn from, default: at random. The same seed draws the same requests; how they meet differs
  --connections  at once, default 24`;

process.exitCode = await main();

async function main(): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  try {
    const report = await fuzz({ ...wanted, onProgress: (progress) => tell(progress, wanted.requests, seconds()) });
    console.log(
      `✔ seed ${wanted.seed}: ${report.spoilt} spoilt requests among ${report.sent} in ${seconds().toFixed(1)} s (${Math.round(report.sent / seconds())}/s), ` +
        `${report.understood} answers understood, ${report.complaints} connections closed for their bytes; ` +
        `${report.garbageBatches} batches of attackers stored, all readable; ` +
        `${report.acknowledged} honest records acknowledged and ${report.verified} read; ${memory(report)}`,
    );
    return 0;
  } catch (error) {
    console.log(`✖ ${error instanceof Error ? error.message : String(error)}`);
    console.log(`  again: npm run fuzz -- --seed ${wanted.seed} --requests ${wanted.requests}`);
    return 1;
  }
}

function readArguments() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { requests: text, seed: text, connections: text } });
  return {
    requests: whole('--requests', values.requests ?? '1000000', 1),
    seed: whole('--seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0),
    connections: whole('--connections', values.connections ?? '24', 1),
  };
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least)
    throw new Error(`${name} takes a whole number from ${least} on, not ${text}`);
  return value;
}

function tell(progress: Progress, requests: number, seconds: number): void {
  const rate = Math.round(progress.spoilt / seconds);
  process.stderr.write(`${progress.spoilt} of ${requests} spoilt requests, ${rate}/s, ${memory(progress)}\n`);
}

function memory({ heapBytes, rssBytes }: Progress): string {
  const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  return `heap ${mib(heapBytes)}, process ${mib(rssBytes)}`;
}
