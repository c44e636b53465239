/**
 * `node scripts/compare-with-kafka.ts [--seed N] [--sequences N] [--steps N] [--kafka PORT] [--shrink]`: random sequences of requests
 * against the embedded broker and a real Kafka of one broker, which is started unless a port says where one is.
 * Exits with 1 where they answer otherwise.
 */
import { parseArgs } from 'node:util';
import { KNOWN_DIFFERENCES, type KnownDifference } from '../test/broker/differential/known-differences.ts';
import { openPair } from '../test/broker/differential/pair.ts';
import { playSeed, shrunk } from '../test/broker/differential/sequence.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { seed: text, sequences: text, steps: text, kafka: text, shrink: { type: 'boolean', default: false } },
});
const sequences = Number(values.sequences ?? (values.seed === undefined ? 100 : 1));
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const steps = Number(values.steps ?? 80);

await using pair = await openPair(values.kafka === undefined ? null : Number(values.kafka));
const met = new Map<KnownDifference, number>();
let played = 0;
let mismatches = 0;
for (let seed = first; seed < first + sequences; seed++) {
  const result = await playSeed(pair.ports, seed, steps, { met });
  played += result.steps.length;
  if (result.mismatch === null) continue;
  mismatches++;
  const told = values.shrink ? await shrunk(pair.ports, result) : result;
  if (values.shrink)
    for (const { connection, api, version, message } of told.steps)
      console.log(`  ${connection} ${api} ${version} ${JSON.stringify(message)}`);
  console.log(`✖ seed ${seed}, step ${result.steps.length}: ${told.mismatch!.message}`);
  console.log(`  again: node scripts/compare-with-kafka.ts --seed ${seed} --steps ${steps} --shrink`);
}
for (const known of KNOWN_DIFFERENCES)
  console.log(`${String(met.get(known) ?? 0).padStart(6)}  ${known.api}: ${known.what}`);
console.log(`${mismatches === 0 ? '✔' : '✖'} ${sequences} sequences, ${played} requests, ${mismatches} mismatches`);
process.exitCode = mismatches === 0 ? 0 : 1;
